/**
 * What is published. To start a broker costs a few files, flat: every file and every lazy wrapper costs time. Client commands,
 * ZooKeeper and TLS are apart, and the library shares the broker with the program.
 */
const external = (id) => !/^(\.|\/|build\/|[A-Z]:\\)/.test(id)

const output = {
  dir: 'dist',
  format: 'cjs',
  exports: 'named',
  entryFileNames: '[name].cjs',
  chunkFileNames: 'parts/[name].cjs',
  dynamicImportInCjs: false,
  comments: false,
}

/** What runs before it is known which command was asked for. */
const program =
  /build.lib.(cli.(program|session|start-cluster|start-flags|values|kafkajs|version)|host.(program|compiled-code|real-time|byte-size))\.js$/
const broker =
  /build.(protocol.|lib.(?!cli.|cluster.coordination.zookeeper.|server.data-directories|host.tls-network|index\.js))/

const codeSplitting = {
  includeDependenciesRecursively: false,
  groups: [
    { name: 'program', test: program, priority: 2 },
    { name: 'broker', test: broker, priority: 1 },
  ],
}

export default [
  {
    input: { odradek: 'build/lib/cli/main.js', index: 'build/lib/index.js' },
    external,
    platform: 'node',
    preserveEntrySignatures: 'allow-extension',
    output: { ...output, codeSplitting },
  },
  // Usable by itself, so it does not load the broker.
  { input: { protocol: 'build/protocol/index.js' }, external, platform: 'node', output },
]
