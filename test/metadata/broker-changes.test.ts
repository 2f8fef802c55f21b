import { expect } from 'chai'
import { changeProblem, settingsProblem } from '../../lib/metadata/broker-changes.js'
import { BrokerConfig } from '../../lib/metadata/broker-config.js'
import { checkValues, StartError } from '../../lib/server/options.js'

describe('metadata/broker-changes', () => {
  const config = new BrokerConfig({ brokerId: 1 })
  const settings = (values: Record<string, string> = {}) => {
    return (name: string): string | null => values[name] ?? config.startValue(name)
  }

  it('cordons log directories that the broker has', () => {
    const problem = (cordoned: string, logDirs: string[] | null = ['/a', '/b']) =>
      settingsProblem(settings({ 'cordoned.log.dirs': cordoned }), logDirs)
    for (const good of ['', ' ', '*', '/a', '/a, /b']) expect(problem(good), good).to.equal(null)
    for (const bad of ['/c', '/a,/c', '/a/', '*,/a']) expect(problem(bad), bad).to.be.a('string')
    expect(problem('/c', null), 'directories that are not known').to.equal(null)
  })

  it('refuses nothing for what was wrong before', () => {
    const wrong = { 'max.connections.per.ip': '0' }
    expect(changeProblem(settings(), settings(wrong), ['max.connections.per.ip'], null)).to.be.a('string')
    const more = { ...wrong, 'num.io.threads': '16' }
    expect(changeProblem(settings(wrong), settings(more), ['num.io.threads'], null)).to.equal(null)
    expect(changeProblem(settings(wrong), settings({ 'num.io.threads': '17' }), ['num.io.threads'], null)).to.match(
      /^num.io.threads is 8; it can become 4 to 16, not 17/,
    )
  })

  it('keeps a broker from starting', () => {
    for (const values of [
      { 'max.connections.per.ip': '0' },
      { 'log.cleaner.threads': '200' },
      { 'cordoned.log.dirs': '/c', 'log.dirs': '/a' },
    ]) {
      expect(() => checkValues(values)).to.throw(StartError)
    }
    checkValues({
      'max.connections.per.ip': '0',
      'max.connections.per.ip.overrides': '10.0.0.1:5',
      'num.io.threads': '99',
    })
  })
})
