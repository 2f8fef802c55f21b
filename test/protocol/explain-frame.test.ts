import { expect } from 'chai'
import {
  encodeRequestFrame,
  encodeResponseFrame,
  explainRequestFrame,
  explainResponseFrame,
  Heartbeat,
} from '../../protocol/index.js'

describe('explaining frames', () => {
  const frame = encodeRequestFrame(Heartbeat, 4, { correlationId: 5, clientId: 'c' }, { groupId: 'g' }).subarray(4)

  it('takes a request apart, with offsets from the start of the frame', () => {
    const { message, version, header, body, error } = explainRequestFrame(frame)
    expect(message).to.equal(Heartbeat)
    expect(version).to.equal(4)
    expect(error).to.equal(undefined)
    expect(header.fields.map(({ path, offset, value }) => [path, offset, value])).to.deep.equal([
      ['requestApiKey', 0, 12],
      ['requestApiVersion', 2, 4],
      ['correlationId', 4, 5],
      ['clientId', 8, 'c'],
    ])
    expect(body!.fields[0]).to.include({ path: 'groupId', offset: 12, bytes: 2, value: 'g' })
    expect(body!.trailingBytes).to.equal(0)
  })

  it('takes a response apart', () => {
    const response = Buffer.concat(encodeResponseFrame(Heartbeat, 4, 5, { errorCode: 27 })).subarray(4)
    const { body } = explainResponseFrame(Heartbeat, 4, response)
    expect(body!.fields.map(({ path, offset, value }) => [path, offset, value])).to.deep.equal([
      ['throttleTimeMs', 5, 0],
      ['errorCode', 9, 27],
    ])
  })

  it('says where any cut or odd frame fails, and never throws', () => {
    for (let length = 0; length < frame.length; length++) {
      expect(explainRequestFrame(frame.subarray(0, length)).error?.code, String(length)).to.equal('TRUNCATED')
    }
    const odd = Buffer.from(frame)
    odd.writeInt16BE(9, 2)
    expect(explainRequestFrame(odd).error?.code).to.equal('UNSUPPORTED_VERSION')
    odd.writeInt16BE(4, 0)
    expect(explainRequestFrame(odd).error?.code).to.equal('UNKNOWN_API')
  })
})
