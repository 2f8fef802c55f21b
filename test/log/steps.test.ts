import { expect } from 'chai'
import { finish, type Steps, walkThrough } from '../../lib/log/steps.js'

function* count(to: number): Steps<number> {
  for (let i = 1; i < to; i++) yield null
  return to
}

function* ask(promise: Promise<string>): Steps<string> {
  try {
    return `got ${yield promise}`
  } catch (error) {
    return `caught ${(error as Error).message}`
  }
}

describe('steps', () => {
  it('are run at once by who does not rest', () => {
    expect(finish(count(5))).to.equal(5)
    expect(walkThrough(count(5), () => null)).to.equal(5)
  })

  it('rest wherever a rest is given', async () => {
    let asked = 0
    let rested = 0
    const rest = (): Promise<void> | null => {
      if (++asked % 2 === 1) return null
      return Promise.resolve().then(() => void rested++)
    }
    expect(await walkThrough(count(10), rest)).to.equal(10)
    expect([asked, rested]).to.deep.equal([9, 4])
  })

  it('go on with what a promise came to, and see its error where they yielded it', async () => {
    const never = (): null => null
    expect(await walkThrough(ask(Promise.resolve('it')), never)).to.equal('got it')
    expect(await walkThrough(ask(Promise.reject(new Error('this'))), never)).to.equal('caught this')
    expect(() => finish(ask(Promise.resolve('it')))).to.throw('cannot be run at once')
  })

  it('reject with what they throw after a wait', async () => {
    function* fails(): Steps<never> {
      yield Promise.resolve(1)
      throw new Error('late')
    }
    const outcome = await Promise.resolve(walkThrough(fails(), () => null)).catch((error: Error) => error.message)
    expect(outcome).to.equal('late')
  })
})
