import { expect } from 'chai'
import { FetchPlanner } from '../../../lib/broker/partition/fetch-planner.js'

describe('broker/partition/fetch-planner', () => {
  it('gives each partition its own limit, then what is left', () => {
    const planner = new FetchPlanner(100)
    expect(planner.share(60)).to.equal(60)
    planner.took(60)
    expect(planner.share(60)).to.equal(40)
    planner.took(40)
    expect(planner.share(60)).to.equal(0)
    expect(planner.open).to.equal(false)
  })

  it('behaviour 52: the first batch always fits, later ones do not', () => {
    const planner = new FetchPlanner(1)
    expect(planner.minOneMessage).to.equal(true)
    planner.took(0)
    expect(planner.minOneMessage).to.equal(true)
    planner.took(500)
    expect(planner.minOneMessage).to.equal(false)
    expect(planner.share(1000)).to.equal(0)
  })

  it('behaviour 52: holds for limits of zero and below', () => {
    const planner = new FetchPlanner(-5)
    expect(planner.open).to.equal(true)
    expect(planner.share(-1)).to.equal(0)
  })
})
