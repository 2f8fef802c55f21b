/** How commands speak: aligned tables for people on a terminal, tab-separated columns for pipes, JSON for scripts. */

export interface OutputHost {
  /** Standard output is a terminal. */
  readonly outIsTerminal: boolean
  out(data: string | Buffer): void
  /** Standard error. */
  err(text: string): void
}

export type Cell = string | number | bigint | boolean | null

export interface Table {
  readonly headings: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

export class Output {
  readonly #host: OutputHost
  readonly #json: boolean

  constructor(host: OutputHost, options: { json?: boolean | undefined }) {
    this.#host = host
    this.#json = options.json === true
  }

  /** Rows under headings; `value` is what --json prints instead. */
  table(headings: readonly string[], rows: readonly (readonly Cell[])[], value: unknown): void {
    this.tables([{ headings, rows }], value)
  }

  /** One below the other; on a terminal those without rows are left out, and an empty line stands between them. */
  tables(tables: readonly Table[], value: unknown): void {
    if (this.#json) {
      this.value(value)
      return
    }
    const terminal = this.#host.outIsTerminal
    const shown = tables.filter(({ rows }, index) => index === 0 || rows.length > 0)
    const texts = shown.map(({ headings, rows }) => {
      const cells = rows.map((row) => row.map(cellText))
      return terminal ? aligned(headings, cells) : cells.map((row) => `${row.join('\t')}\n`).join('')
    })
    this.#host.out(texts.join(terminal ? '\n' : ''))
  }

  /** One JSON document on one line. */
  value(value: unknown): void {
    this.#host.out(`${JSON.stringify(value)}\n`)
  }

  /** A line about what was done; silent with --json unless `value` is given. */
  done(sentence: string, value?: unknown): void {
    if (!this.#json) this.#host.out(`${sentence}\n`)
    else if (value !== undefined) this.value(value)
  }

  note(sentence: string): void {
    this.#host.err(`${sentence}\n`)
  }
}

/** A tab or line end inside a cell would break the columns, other control characters the terminal: they are shown as escapes. */
function cellText(cell: Cell): string {
  if (cell === null) return '-'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  return String(cell).replace(/[\u0000-\u001f\u007f-\u009f]/g, escaped)
}

function escaped(character: string): string {
  const short: Record<string, string> = { '\t': '\\t', '\n': '\\n', '\r': '\\r' }
  return short[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function aligned(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]): string =>
    `${cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd()}\n`
  return line(headings.map((heading) => heading.toUpperCase())) + rows.map(line).join('')
}
