import { data, type Fields, type Schema, type VersionOptions } from '../schema/index.js'

/** A record of an internal topic: key and value have shapes of their own, the key starts with the record type. */
export interface KeyedRecord<K extends Fields = Fields, V extends Fields = Fields> {
  /** Kafka's name without `Key` and `Value`. */
  readonly name: string
  /** What the key starts with (int16). Kafka calls it the key's version. */
  readonly type: number
  /** Always version 0. */
  readonly key: Schema<K>
  readonly value: Schema<V>
}

export interface RecordOptions extends VersionOptions {
  readonly type: number
}

/** Describes a record of `__consumer_offsets`, `__transaction_state` or `__share_group_state`. The versions are those of the value. */
export function keyedRecord<K extends Fields, V extends Fields>(
  name: string,
  options: RecordOptions,
  key: K,
  value: V,
): KeyedRecord<K, V> {
  return {
    name,
    type: options.type,
    key: data(`${name}Key`, { versions: '0' }, key),
    value: data(`${name}Value`, options, value),
  }
}
