import { expect } from 'chai'
import { appendRulesFrom } from '../../lib/log/append-rules.js'

describe('append-rules', () => {
  it("reads its rules from a topic's configuration", () => {
    const config: Record<string, string> = {
      'max.message.bytes': '1000',
      'message.timestamp.type': 'LogAppendTime',
      'message.timestamp.before.max.ms': '9223372036854775807',
      'message.timestamp.after.max.ms': '5',
      'cleanup.policy': 'delete,compact',
      'compression.type': 'zstd',
      'compression.gzip.level': '-1',
      'compression.lz4.level': '9',
      'compression.zstd.level': '3',
      'max.decompressed.message.bytes': '77',
    }
    expect(appendRulesFrom((name) => config[name]!)).to.deep.equal({
      maxMessageBytes: 1000,
      timestampType: 'LogAppendTime',
      timestampBeforeMaxMs: 2 ** 63,
      timestampAfterMaxMs: 5,
      compact: true,
      compressionType: 'zstd',
      gzipLevel: -1,
      lz4Level: 9,
      zstdLevel: 3,
      maxDecompressedBytes: 77,
    })
  })
})
