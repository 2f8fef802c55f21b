const ABSENT: unique symbol = Symbol('absent')
type Layer<K, V> = Map<K, V | typeof ABSENT>

/**
 * An immutable map that shares almost everything with the map it was made from: a large native map that is never written again,
 * below a small one with what has changed since. Reading costs at most two native lookups (one while the top layer is empty, which
 * is the common case on the produce path), and a change costs about the square root of the size instead of a copy of everything.
 */
export class LayeredMap<K, V> implements ReadonlyMap<K, V> {
  private constructor(
    private readonly base: ReadonlyMap<K, V>,
    private readonly layer: Layer<K, V>,
    readonly size: number,
  ) {}

  /** The same entries as a layered map; copies only what is not one already. */
  static from<K, V>(map: ReadonlyMap<K, V>): LayeredMap<K, V> {
    return map instanceof LayeredMap ? map : new LayeredMap<K, V>(new Map(map), new Map(), map.size)
  }

  get(key: K): V | undefined {
    if (this.layer.size > 0) {
      const value = this.layer.get(key)
      if (value !== undefined) return value === ABSENT ? undefined : value
    }
    return this.base.get(key)
  }

  has(key: K): boolean {
    if (this.layer.size > 0) {
      const value = this.layer.get(key)
      if (value !== undefined) return value !== ABSENT
    }
    return this.base.has(key)
  }

  /** Collects changes without touching this map; `done` gives the new one (or this one, when nothing changed). */
  edit(): MapEdit<K, V> {
    return new MapEdit(this.base, this.layer, this.size, (base, layer, size) =>
      size === this.size && layer === this.layer ? this : new LayeredMap(base, layer, size),
    )
  }

  with(key: K, value: V): LayeredMap<K, V> {
    const edit = this.edit()
    edit.set(key, value)
    return edit.done()
  }

  without(key: K): LayeredMap<K, V> {
    const edit = this.edit()
    edit.delete(key)
    return edit.done()
  }

  *entries(): MapIterator<[K, V]> {
    const { base, layer } = this
    if (layer.size === 0) {
      yield* base.entries()
      return
    }
    for (const [key, below] of base) {
      const above = layer.get(key)
      if (above === undefined) yield [key, below]
      else if (above !== ABSENT) yield [key, above]
    }
    for (const [key, value] of layer) if (value !== ABSENT && !base.has(key)) yield [key, value]
  }

  *keys(): MapIterator<K> {
    for (const [key] of this.entries()) yield key
  }

  *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries()
  }

  forEach(visit: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this)
  }
}

/** Changes on their way into a `LayeredMap`; the top layer is copied once, at the first change. */
export class MapEdit<K, V> {
  private owned = false

  constructor(
    private readonly base: ReadonlyMap<K, V>,
    private layer: Layer<K, V>,
    private size: number,
    private readonly make: (base: ReadonlyMap<K, V>, layer: Layer<K, V>, size: number) => LayeredMap<K, V>,
  ) {}

  get(key: K): V | undefined {
    const value = this.layer.get(key)
    if (value !== undefined) return value === ABSENT ? undefined : value
    return this.base.get(key)
  }

  set(key: K, value: V): void {
    const before = this.get(key)
    if (before === value) return
    this.own()
    if (before === undefined) this.size++
    this.layer.set(key, value)
  }

  delete(key: K): void {
    if (this.get(key) === undefined) return
    this.own()
    this.size--
    if (this.base.has(key)) this.layer.set(key, ABSENT)
    else this.layer.delete(key)
  }

  done(): LayeredMap<K, V> {
    this.owned = false
    // Rewriting n entries every sqrt(2n) changes balances the copy of the layer against the copy of the base.
    if (this.layer.size < 32 || this.layer.size * this.layer.size < 2 * this.base.size) {
      return this.make(this.base, this.layer, this.size)
    }
    const base = new Map(this.base)
    for (const [key, value] of this.layer) {
      if (value === ABSENT) base.delete(key)
      else base.set(key, value)
    }
    return this.make(base, new Map(), base.size)
  }

  private own(): void {
    if (this.owned) return
    this.layer = new Map(this.layer)
    this.owned = true
  }
}
