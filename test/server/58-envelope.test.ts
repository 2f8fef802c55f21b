import { expect } from 'chai'
import type { ConnectionView, RequestContext } from '../../lib/server/context.js'
import { envelope } from '../../lib/server/handlers/58-envelope.js'
import type { BrokerServices } from '../../lib/server/services.js'
import {
  CreateTopics,
  decode,
  Envelope,
  ErrorCode,
  encode,
  encodeRequestFrame,
  encodeResponseFrame,
  type RequestOf,
  type ResponseInput,
} from '../../protocol/index.js'

describe('server/58-envelope', () => {
  const header = { correlationId: 9, clientId: 'c' }
  const inside = encodeRequestFrame(CreateTopics, 7, header, { topics: [], timeoutMs: 0 }).subarray(4)

  /** The answer to an envelope whose request is answered like that. */
  const open = async (...topics: NonNullable<ResponseInput<typeof CreateTopics>['topics']>) => {
    const answer = Buffer.concat(encodeResponseFrame(CreateTopics, 7, 9, { topics })).subarray(4)
    const broker = { controller: { isActive: true }, serve: async () => answer } as unknown as BrokerServices
    const request = decode(
      Envelope,
      'request',
      0,
      encode(Envelope, 'request', 0, {
        requestData: inside,
        requestPrincipal: Buffer.from('2 User:ANONYMOUS'),
        clientHostAddress: Buffer.from('127.0.0.1'),
      }),
    ) as RequestOf<typeof Envelope>
    const context = { connection: {} as ConnectionView } as RequestContext
    return { answer, outcome: (await envelope.handle(request, context, broker)) as ResponseInput<typeof Envelope> }
  }

  it('hands on the answer to the request inside, whatever it says', async () => {
    for (const errorCode of [ErrorCode.NONE, ErrorCode.TOPIC_ALREADY_EXISTS]) {
      const { answer, outcome } = await open({ name: 't', errorCode, numPartitions: ErrorCode.NOT_CONTROLLER })
      expect(outcome).to.deep.equal({ errorCode: ErrorCode.NONE, responseData: answer })
    }
  })

  it('is NOT_CONTROLLER itself when that is the answer: the sender looks for the next controller, the client hears nothing of it', async () => {
    const { outcome } = await open({ name: 't', errorCode: ErrorCode.NOT_CONTROLLER, errorMessage: 'gone' })
    expect(outcome).to.deep.equal({ errorCode: ErrorCode.NOT_CONTROLLER })
  })
})
