import { expect } from 'chai'
import { nodeProcessHost } from '../../lib/host/process-host.js'

describe('process host', () => {
  it('tells of stop signals until it is asked not to', () => {
    const host = nodeProcessHost()
    const seen: string[] = []
    const before = process.listenerCount('SIGTERM')
    const off = host.onStop((signal) => seen.push(signal))
    process.emit('SIGTERM')
    process.emit('SIGINT')
    off()
    expect(seen).to.deep.equal(['SIGTERM', 'SIGINT'])
    expect(process.listenerCount('SIGTERM')).to.equal(before)
  })

  it('knows its memory', () => {
    const { residentBytes, totalBytes } = nodeProcessHost().memory()
    expect(residentBytes).to.be.greaterThan(1e6)
    expect(totalBytes).to.be.greaterThan(residentBytes)
  })
})
