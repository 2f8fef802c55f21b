/// <reference types="node" preserve="true" />
/** The front door: `import { Broker } from 'odradek'`. The protocol layer by itself is `odradek/protocol`. */
export {
  Broker,
  BrokerError,
  type BrokerOptions,
  type GroupMember,
  type GroupReadyOptions,
  type NewTopic,
} from './embed/broker.js'
export { Cluster, type StopOptions } from './embed/cluster.js'
export type { ClusterOptions } from './embed/cluster-options.js'
export type { LogFields, Logger, LogLevel } from './host/logger.js'
export { StartError } from './server/options.js'
