import { data, type Fields, type Schema } from '../schema/index.js'
import type { RecordOptions } from './keyed-record.js'

/** A record without a key, whose value starts with frame version, record type and version. */
export interface MetadataRecord<F extends Fields = Fields> extends Schema<F> {
  readonly type: number
}

/** Describes a record of the KRaft metadata log or of `__remote_log_metadata`. */
export function metadataRecord<F extends Fields>(name: string, options: RecordOptions, fields: F): MetadataRecord<F> {
  return { ...data(name, options, fields), type: options.type }
}
