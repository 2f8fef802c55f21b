/** How commands speak: aligned tables for people on a terminal, tab-separated columns for pipes, JSON for scripts. */

export interface OutputHost {
  /** Standard output is a terminal. */
  readonly outIsTerminal: boolean
  out(text: string): void
  /** Standard error. */
  err(text: string): void
}

export type Cell = string | number | bigint | boolean | null

export class Output {
  readonly #host: OutputHost
  readonly #json: boolean

  constructor(host: OutputHost, options: { json?: boolean | undefined }) {
    this.#host = host
    this.#json = options.json === true
  }

  /** Rows under headings; `value` is what --json prints instead. */
  table(headings: readonly string[], rows: readonly (readonly Cell[])[], value: unknown): void {
    if (this.#json) {
      this.value(value)
      return
    }
    const texts = rows.map((row) => row.map(cellText))
    this.#host.out(
      this.#host.outIsTerminal ? aligned(headings, texts) : texts.map((row) => `${row.join('\t')}\n`).join(''),
    )
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

function cellText(cell: Cell): string {
  return cell === null ? '-' : String(cell)
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
