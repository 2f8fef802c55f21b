import { expect } from 'chai'
import { decodeData, decodeVersioned, encodeData, encodeVersioned } from '../../protocol/codec.js'
import {
  clusterMetadataRecords,
  consumerOffsetsRecords,
  decodeMetadataRecord,
  decodeRecordKey,
  decodeRecordValue,
  decodeRequestHeader,
  decodeResponseHeader,
  encodeMetadataRecord,
  encodeRecordKey,
  encodeRecordValue,
  messageByKey,
  RequestHeaderSchema,
  ResponseHeaderSchema,
  recordTypeOf,
  remoteLogMetadataRecords,
  requestHeaderVersion,
  responseHeaderVersion,
  type Schema,
  shareStateRecords,
  transactionStateRecords,
} from '../../protocol/index.js'
import * as stored from '../../protocol/stored/index.js'
import type { KeyedRecord } from '../../protocol/stored/keyed-record.js'
import { fromGolden, goldenLines, type Json, toGolden, type Vector } from '../support/golden.js'

/** Both directions, exact. Chai is asked only on a difference: thousands of deep comparisons would take longer than the codec. */
function check(schema: Schema, vector: Vector, json: Json = vector.json, hex: string = vector.hex): void {
  const version =
    schema === RequestHeaderSchema || schema === ResponseHeaderSchema ? vector.headerVersion! : vector.version
  const name = `${vector.name} v${vector.version} ${vector.case}`
  const bytes = encodeData(schema, version, fromGolden(schema, json) as never)
  if (bytes.toString('hex') !== hex) expect(bytes.toString('hex'), name).to.equal(hex)
  const value = decodeData(schema, version, Buffer.from(hex, 'hex'))
  const back = toGolden(schema, version, value)
  if (JSON.stringify(back) !== JSON.stringify(json)) expect(back, name).to.deep.equal(json)
  const again = encodeData(schema, version, value as never)
  if (again.toString('hex') !== hex) expect(again.toString('hex'), `${name} again`).to.equal(hex)
}

function checkHeader(vector: Vector): void {
  const message = messageByKey(vector.key!)!
  const isRequest = vector.kind === 'request'
  const headerVersion = (isRequest ? requestHeaderVersion : responseHeaderVersion)(message, vector.version)
  expect(headerVersion, `${vector.name} v${vector.version}`).to.equal(vector.headerVersion)
  const json = vector.headerJson!
  check(isRequest ? RequestHeaderSchema : ResponseHeaderSchema, vector, json, vector.header!)
  const bytes = Buffer.from(vector.header!, 'hex')
  if (isRequest) {
    const header = decodeRequestHeader(bytes)
    expect(header.bodyOffset).to.equal(bytes.length)
    expect(header.apiKey).to.equal(json.requestApiKey)
    expect(header.apiVersion).to.equal(json.requestApiVersion)
    expect(header.correlationId).to.equal(json.correlationId)
    expect(header.clientId).to.equal(json.clientId)
  } else {
    const { correlationId, bodyOffset } = decodeResponseHeader(bytes, headerVersion)
    expect(correlationId).to.equal(json.correlationId)
    expect(bodyOffset).to.equal(bytes.length)
  }
}

function checkKeyed(records: readonly KeyedRecord[], vector: Vector): void {
  const record = records.find((candidate) => candidate.type === vector.key)!
  const isKey = vector.kind === 'coordinator-key'
  const schema = isKey ? record.key : record.value
  expect(schema.name).to.equal(vector.name)
  check(schema, vector)
  const input = fromGolden(schema, vector.json)
  const framed = isKey ? encodeRecordKey(record, input) : encodeRecordValue(record, vector.version, input)
  expect(framed.toString('hex')).to.equal(vector.stored)
  if (isKey) {
    expect(recordTypeOf(framed)).to.equal(vector.key)
    expect(toGolden(schema, 0, decodeRecordKey(record, framed))).to.deep.equal(vector.json)
  } else {
    const { version, value } = decodeRecordValue(record, framed)
    expect(version).to.equal(vector.version)
    expect(toGolden(schema, version, value)).to.deep.equal(vector.json)
  }
}

function checkMetadata(records: readonly stored.MetadataRecord[], vector: Vector): void {
  const record = records.find((candidate) => candidate.type === vector.key)!
  expect(record.name).to.equal(vector.name)
  check(record, vector)
  if (vector.stored === undefined) return
  const framed = encodeMetadataRecord(record, vector.version, fromGolden(record, vector.json))
  expect(framed.toString('hex')).to.equal(vector.stored)
  const decoded = decodeMetadataRecord(records, framed)!
  expect(toGolden(record, vector.version, decoded.value)).to.deep.equal(vector.json)
}

const others = new Map<string, Schema>()
for (const schema of [RequestHeaderSchema, ResponseHeaderSchema, ...Object.values(stored)]) {
  if (typeof schema === 'object' && 'readers' in schema) others.set(schema.name, schema as Schema)
}

function checkOther(vector: Vector): void {
  if (vector.group === 'remote-log-metadata') {
    checkMetadata(remoteLogMetadataRecords, vector)
    return
  }
  const schema = others.get(vector.name)
  if (schema === undefined) throw new Error(`MISSING ${vector.name}`)
  check(schema, { ...vector, headerVersion: vector.version })
  if (vector.stored === undefined) return
  const framed = encodeVersioned(schema, vector.version, fromGolden(schema, vector.json))
  expect(framed.toString('hex')).to.equal(vector.stored)
  expect(decodeVersioned(schema, framed).version).to.equal(vector.version)
}

describe('golden bytes of Apache Kafka 4.4', () => {
  const suites: [string, (vector: Vector) => void][] = [
    ['rpc-requests', (vector) => check(messageByKey(vector.key!)!.request, vector)],
    ['rpc-responses', (vector) => check(messageByKey(vector.key!)!.response, vector)],
    ['consumer-offsets', (vector) => checkKeyed(consumerOffsetsRecords, vector)],
    ['transaction-state', (vector) => checkKeyed(transactionStateRecords, vector)],
    ['share-state', (vector) => checkKeyed(shareStateRecords, vector)],
    ['cluster-metadata', (vector) => checkMetadata(clusterMetadataRecords, vector)],
    ['other-messages', checkOther],
  ]
  for (const [file, checkOne] of suites) {
    const vectors = goldenLines(file)
    it(`${file}: all ${vectors.length} vectors, to bytes and back`, () => {
      expect(vectors.length).to.be.greaterThan(10)
      for (const vector of vectors) {
        checkOne(vector)
        if (file.startsWith('rpc-')) checkHeader(vector)
      }
    })
  }
})
