import type { SchemaOf } from '../schema/index.js'
import { array, bool, float64, int8, int16, int32, int64, string, uint16, uuid } from '../schema/index.js'
import { metadataRecord } from './metadata-record.js'

/**
 * Records of the KRaft metadata log: brokers, controllers, features, quotas, producer ids, metadata transactions.
 */

/**
 * Record type 0. Versions:
 *   v0   the first version; flexible
 *   v1   + inControlledShutdown
 *   v2   + isMigratingZkBroker
 *   v3   + logDirs
 *   v4   + cordonedLogDirs
 */
export const RegisterBrokerRecord = metadataRecord(
  'RegisterBrokerRecord',
  { type: 0, versions: '0-4', flexible: '0+' },
  {
    brokerId: int32('0+'),
    isMigratingZkBroker: bool('2+'),
    incarnationId: uuid('0+'),
    brokerEpoch: int64('0+'),
    endPoints: array('0+', {
      name: string('0+', { mapKey: true }),
      host: string('0+'),
      port: uint16('0+'),
      securityProtocol: int16('0+'),
    }),
    features: array('0+', {
      name: string('0+', { mapKey: true }),
      minSupportedVersion: int16('0+'),
      maxSupportedVersion: int16('0+'),
    }),
    rack: string('0+', { nullable: '0+' }),
    fenced: bool('0+', { default: true }),
    inControlledShutdown: bool('1+'),
    logDirs: array('3+', 'uuid', { tag: 0 }),
    cordonedLogDirs: array('4+', 'uuid', { nullable: '4+', tag: 1, default: null }),
  },
)
export type RegisterBrokerRecordValue = SchemaOf<typeof RegisterBrokerRecord>

/**
 * Record type 1. Versions:
 *   v0   the only version; flexible
 */
export const UnregisterBrokerRecord = metadataRecord(
  'UnregisterBrokerRecord',
  { type: 1, versions: '0', flexible: '0+' },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+'),
  },
)
export type UnregisterBrokerRecordValue = SchemaOf<typeof UnregisterBrokerRecord>

/**
 * Record type 7. Versions:
 *   v0   the only version; flexible
 */
export const FenceBrokerRecord = metadataRecord(
  'FenceBrokerRecord',
  { type: 7, versions: '0', flexible: '0+' },
  {
    id: int32('0+'),
    epoch: int64('0+'),
  },
)
export type FenceBrokerRecordValue = SchemaOf<typeof FenceBrokerRecord>

/**
 * Record type 8. Versions:
 *   v0   the only version; flexible
 */
export const UnfenceBrokerRecord = metadataRecord(
  'UnfenceBrokerRecord',
  { type: 8, versions: '0', flexible: '0+' },
  {
    id: int32('0+'),
    epoch: int64('0+'),
  },
)
export type UnfenceBrokerRecordValue = SchemaOf<typeof UnfenceBrokerRecord>

/**
 * Record type 12. Versions:
 *   v0   the only version; flexible
 */
export const FeatureLevelRecord = metadataRecord(
  'FeatureLevelRecord',
  { type: 12, versions: '0', flexible: '0+' },
  {
    name: string('0+'),
    featureLevel: int16('0+'),
  },
)
export type FeatureLevelRecordValue = SchemaOf<typeof FeatureLevelRecord>

/**
 * Record type 14. Versions:
 *   v0   the only version; flexible
 */
export const ClientQuotaRecord = metadataRecord(
  'ClientQuotaRecord',
  { type: 14, versions: '0', flexible: '0+' },
  {
    entity: array('0+', {
      entityType: string('0+'),
      entityName: string('0+', { nullable: '0+' }),
    }),
    key: string('0+'),
    value: float64('0+'),
    remove: bool('0+'),
  },
)
export type ClientQuotaRecordValue = SchemaOf<typeof ClientQuotaRecord>

/**
 * Record type 15. Versions:
 *   v0   the only version; flexible
 */
export const ProducerIdsRecord = metadataRecord(
  'ProducerIdsRecord',
  { type: 15, versions: '0', flexible: '0+' },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
    nextProducerId: int64('0+'),
  },
)
export type ProducerIdsRecordValue = SchemaOf<typeof ProducerIdsRecord>

/**
 * Record type 17. Versions:
 *   v0   the first version; flexible
 *   v1   + inControlledShutdown
 *   v2   + logDirs
 *   v3   + cordonedLogDirs
 */
export const BrokerRegistrationChangeRecord = metadataRecord(
  'BrokerRegistrationChangeRecord',
  { type: 17, versions: '0-3', flexible: '0+' },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+'),
    fenced: int8('0+', { tag: 0 }),
    inControlledShutdown: int8('1+', { tag: 1 }),
    logDirs: array('2+', 'uuid', { tag: 2 }),
    cordonedLogDirs: array('3+', 'uuid', { nullable: '3+', tag: 3, default: null }),
  },
)
export type BrokerRegistrationChangeRecordValue = SchemaOf<typeof BrokerRegistrationChangeRecord>

/**
 * Record type 20. Versions:
 *   v0   the only version; flexible
 */
export const NoOpRecord = metadataRecord('NoOpRecord', { type: 20, versions: '0', flexible: '0+' }, {})
export type NoOpRecordValue = SchemaOf<typeof NoOpRecord>

/**
 * Record type 21. Versions:
 *   v0   the only version; flexible
 */
export const ZkMigrationStateRecord = metadataRecord(
  'ZkMigrationStateRecord',
  { type: 21, versions: '0', flexible: '0+' },
  {
    zkMigrationState: int8('0+'),
  },
)
export type ZkMigrationStateRecordValue = SchemaOf<typeof ZkMigrationStateRecord>

/**
 * Record type 23. Versions:
 *   v0   the only version; flexible
 */
export const BeginTransactionRecord = metadataRecord(
  'BeginTransactionRecord',
  { type: 23, versions: '0', flexible: '0+' },
  {
    name: string('0+', { nullable: '0+', tag: 0, default: null }),
  },
)
export type BeginTransactionRecordValue = SchemaOf<typeof BeginTransactionRecord>

/**
 * Record type 24. Versions:
 *   v0   the only version; flexible
 */
export const EndTransactionRecord = metadataRecord(
  'EndTransactionRecord',
  { type: 24, versions: '0', flexible: '0+' },
  {},
)
export type EndTransactionRecordValue = SchemaOf<typeof EndTransactionRecord>

/**
 * Record type 25. Versions:
 *   v0   the only version; flexible
 */
export const AbortTransactionRecord = metadataRecord(
  'AbortTransactionRecord',
  { type: 25, versions: '0', flexible: '0+' },
  {
    reason: string('0+', { nullable: '0+', tag: 0, default: null }),
  },
)
export type AbortTransactionRecordValue = SchemaOf<typeof AbortTransactionRecord>

/**
 * Record type 27. Versions:
 *   v0   the only version; flexible
 */
export const RegisterControllerRecord = metadataRecord(
  'RegisterControllerRecord',
  { type: 27, versions: '0', flexible: '0+' },
  {
    controllerId: int32('0+'),
    incarnationId: uuid('0+'),
    zkMigrationReady: bool('0+'),
    endPoints: array('0+', {
      name: string('0+', { mapKey: true }),
      host: string('0+'),
      port: uint16('0+'),
      securityProtocol: int16('0+'),
    }),
    features: array('0+', {
      name: string('0+', { mapKey: true }),
      minSupportedVersion: int16('0+'),
      maxSupportedVersion: int16('0+'),
    }),
  },
)
export type RegisterControllerRecordValue = SchemaOf<typeof RegisterControllerRecord>

/**
 * Record type 29. Versions:
 *   v0   the only version; flexible
 */
export const UnregisterControllerRecord = metadataRecord(
  'UnregisterControllerRecord',
  { type: 29, versions: '0', flexible: '0+' },
  {
    controllerId: int32('0+'),
  },
)
export type UnregisterControllerRecordValue = SchemaOf<typeof UnregisterControllerRecord>
