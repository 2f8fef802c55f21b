/**
 * Writes what the bundles need around them: ESM doors to the CommonJS bundles (one copy of the code whichever way it is
 * loaded) and the declarations for both module systems.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(import.meta.url)

for (const name of ['index', 'protocol']) {
  const names = Object.keys(require(`../../dist/${name}.cjs`)).filter(
    (key) => key !== 'default' && key !== '__esModule',
  )
  writeFileSync(
    `dist/${name}.mjs`,
    `import bundle from './${name}.cjs'\nexport const { ${names.sort().join(', ')} } = bundle\n`,
  )
}

/** Declarations only; the same files serve as ESM and, below a package.json that says so, as CommonJS. */
function copyDeclarations(from, to) {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name)
    if (entry.isDirectory()) copyDeclarations(source, join(to, entry.name))
    else if (entry.name.endsWith('.d.ts')) {
      mkdirSync(to, { recursive: true })
      writeFileSync(join(to, entry.name), readFileSync(source, 'utf8').replace(/^\/\/# sourceMappingURL.*$/m, ''))
    }
  }
}
for (const [folder, type] of [
  ['esm', 'module'],
  ['cjs', 'commonjs'],
]) {
  for (const part of ['lib', 'protocol']) copyDeclarations(join('build', part), join('dist/types', folder, part))
  writeFileSync(join('dist/types', folder, 'package.json'), `{ "type": "${type}" }\n`)
}
cpSync('LICENSE', 'dist/LICENSE')
