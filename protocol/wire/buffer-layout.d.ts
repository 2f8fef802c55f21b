/** The part of buffer-layout (a library without types) that this project uses. */
declare module 'buffer-layout' {
  export class Layout<T = unknown> {
    constructor(span: number, property?: string)
    readonly span: number
    readonly property: string | undefined
    decode(buffer: Uint8Array, offset?: number): T
    encode(value: T, buffer: Uint8Array, offset?: number): number
    getSpan(buffer?: Uint8Array, offset?: number): number
  }
  export class Structure<T> extends Layout<T> {
    readonly fields: readonly Layout[]
    offsetOf(property: string): number | undefined
  }
  export function struct<T>(fields: readonly Layout<number>[], property?: string): Structure<T>
  export function s8(property?: string): Layout<number>
  export function u8(property?: string): Layout<number>
  export function s16be(property?: string): Layout<number>
  export function u16be(property?: string): Layout<number>
  export function s32be(property?: string): Layout<number>
  export function u32be(property?: string): Layout<number>
}
