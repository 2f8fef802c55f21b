import { expect } from 'chai'
import { RequestMemory } from '../../lib/server/request-memory.js'

describe('server/request-memory', () => {
  it('is full at its limit, and calls who waits when there is room again, once', () => {
    const memory = new RequestMemory(100)
    let called = 0
    const user = { reconsider: () => called++ }
    memory.change(0, 99)
    expect(memory.full).to.equal(false)
    memory.change(99, 150)
    expect([memory.full, memory.usedBytes]).to.deep.equal([true, 150])
    memory.wait(user)
    memory.wait(user)
    memory.change(150, 100)
    expect(called).to.equal(0)
    memory.change(100, 99)
    expect(called).to.equal(1)
    memory.change(99, 100)
    memory.change(100, 0)
    expect(called).to.equal(1)
  })

  it('does not call who has gone', () => {
    const memory = new RequestMemory(1)
    let called = 0
    const user = { reconsider: () => called++ }
    memory.change(0, 1)
    memory.wait(user)
    memory.forget(user)
    memory.change(1, 0)
    expect(called).to.equal(0)
  })

  it('lets who is called wait again', () => {
    const memory = new RequestMemory(10)
    const calls: string[] = []
    const greedy = {
      reconsider() {
        calls.push('greedy')
        memory.change(0, 10)
      },
    }
    const late = {
      reconsider() {
        calls.push('late')
        if (memory.full) memory.wait(late)
      },
    }
    memory.change(0, 10)
    memory.wait(greedy)
    memory.wait(late)
    memory.change(10, 0)
    expect(calls).to.deep.equal(['greedy', 'late'])
    memory.change(10, 0)
    expect(calls).to.deep.equal(['greedy', 'late', 'late'])
  })

  it('has no limit with -1', () => {
    const memory = new RequestMemory(-1)
    memory.change(0, Number.MAX_SAFE_INTEGER)
    expect(memory.full).to.equal(false)
  })
})
