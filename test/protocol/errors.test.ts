import { expect } from 'chai'
import { ErrorCode, errorInfo, errorMessage, errorName, errors } from '../../protocol/errors.js'
import { goldenJson } from '../support/golden.js'

interface RecordedError {
  code: number
  name: string
  retriable: boolean
  invalidMetadata?: boolean
}

describe('error codes', () => {
  const recorded = goldenJson<{ errors: RecordedError[] }>('errors.json').errors

  it(`are the ${recorded.length} of Kafka 4.4, with the same retriability`, () => {
    const ours = errors.map(({ code, name, retriable, invalidMetadata }) => ({
      code,
      name,
      retriable,
      invalidMetadata,
    }))
    const theirs = recorded.map(({ code, name, retriable, invalidMetadata = false }) => ({
      code,
      name,
      retriable,
      invalidMetadata,
    }))
    expect(ours).to.deep.equal(theirs)
  })

  it('have a sentence each', () => {
    for (const { name, message } of errors) expect(message, name).to.match(/^[A-Z].*\.$/)
    expect(new Set(errors.map(({ message }) => message)).size).to.equal(errors.length)
  })

  it('are found by code', () => {
    expect(errorName(16)).to.equal('NOT_COORDINATOR')
    expect(errorInfo(ErrorCode.LEADER_NOT_AVAILABLE)).to.include({ retriable: true, invalidMetadata: true })
    expect(errorInfo(30000).name).to.equal('UNKNOWN_SERVER_ERROR')
    expect(errorMessage(0)).to.equal(null)
    expect(errorMessage(25)).to.equal('The group has no member with this id.')
  })
})
