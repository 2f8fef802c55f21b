import type { Field, Fields, FieldType } from './fields.js'
import { inVersions } from './versions.js'

const WIDTH: Partial<Record<FieldType, number>> = {
  bool: 1,
  int8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  float64: 8,
  uuid: 16,
}

/** Fewest bytes that a value of the type can take. Never 0, so that a count is always bounded by the bytes that are there. */
export function smallestElement(field: Field, version: number, flexible: boolean): number {
  if (field.element === 'struct') return Math.max(1, smallestStruct(field.fields!, version, flexible))
  return smallest(field.element!, flexible)
}

function smallest(type: FieldType, flexible: boolean): number {
  const width = WIDTH[type]
  if (width !== undefined) return width
  if (flexible) return 1
  return type === 'string' ? 2 : 4
}

function smallestStruct(fields: Fields, version: number, flexible: boolean): number {
  let bytes = flexible ? 1 : 0
  for (const field of Object.values(fields)) {
    if (field.tag !== undefined || !inVersions(field.versions, version)) continue
    if (field.type !== 'struct') bytes += smallest(field.type, flexible)
    else bytes += inVersions(field.nullable, version) ? 1 : smallestStruct(field.fields!, version, flexible)
  }
  return bytes
}
