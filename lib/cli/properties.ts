/**
 * Java's properties format, as server.properties uses it: `key=value`, `key: value` or `key value`, `#` and `!` comments,
 * a backslash at the end of a line continues it, \t \n \r \f and \uXXXX escapes. The byte order mark of Windows' editors is no part of a key.
 */
export function parseProperties(text: string): Record<string, string> {
  const values: Record<string, string> = {}
  for (const line of logicalLines(text.replace(/^\ufeff/, ''))) {
    const match = /^((?:\\.|[^\\ \t\f=:])*)(?:[ \t\f]*[=:][ \t\f]*|[ \t\f]+|$)(.*)$/s.exec(line)
    if (match && match[1] !== '') values[withoutEscapes(match[1]!)] = withoutEscapes(match[2]!)
  }
  return values
}

function logicalLines(text: string): string[] {
  const lines: string[] = []
  let open: string | null = null
  for (const raw of text.split(/\r\n|\r|\n/)) {
    const line = raw.replace(/^[ \t\f]+/, '')
    if (open === null && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue
    const joined: string = (open ?? '') + line
    const trailing = /\\*$/.exec(joined)![0].length
    if (trailing % 2 === 1) open = joined.slice(0, -1)
    else {
      lines.push(joined)
      open = null
    }
  }
  if (open !== null) lines.push(open)
  return lines
}

function withoutEscapes(text: string): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|.)/gs, (_, sequence: string) => {
    if (sequence.length === 5) return String.fromCharCode(Number.parseInt(sequence.slice(1), 16))
    const plain: Record<string, string> = { t: '\t', n: '\n', r: '\r', f: '\f' }
    return plain[sequence] ?? sequence
  })
}
