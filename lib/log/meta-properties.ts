/**
 * `meta.properties`, version 1: whose a log directory is. Source: Kafka's MetaProperties (KIP-631, directory.id by KIP-858).
 */
export const META_PROPERTIES = 'meta.properties'

export interface MetaProperties {
  readonly clusterId: string
  readonly nodeId: number
  /** Of this directory alone; Kafka's text form of a uuid. */
  readonly directoryId: string
}

/** The properties, or what is wrong with them: the end of a sentence that begins with the file's name. */
export function parseMetaProperties(text: string): MetaProperties | { readonly problem: string } {
  const values = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*([^#!=:\s][^=:\s]*)\s*[=:]\s*(.*?)\s*$/.exec(line)
    // Java escapes what could be read as the end of a key.
    if (match !== null) values.set(match[1]!, match[2]!.replaceAll(/\\([=:#! \\])/g, '$1'))
  }
  const version = values.get('version')
  if (version === undefined) return { problem: 'names no version' }
  if (!/^\d+$/.test(version)) return { problem: `has the version "${version}", which is no number` }
  if (Number(version) > 1)
    return { problem: `has version ${version}: a newer program has written it, this one knows version 1` }
  if (Number(version) < 1)
    return { problem: `has version ${version}, from the time of ZooKeeper; this program knows version 1` }
  const clusterId = values.get('cluster.id')
  if (clusterId === undefined || clusterId === '') return { problem: 'names no cluster.id' }
  const nodeId = values.get('node.id')
  if (nodeId === undefined || !/^\d{1,10}$/.test(nodeId)) {
    return { problem: nodeId === undefined ? 'names no node.id' : `has the node.id "${nodeId}", which is no number` }
  }
  return { clusterId, nodeId: Number(nodeId), directoryId: values.get('directory.id') ?? '' }
}

export function formatMetaProperties({ clusterId, nodeId, directoryId }: MetaProperties): string {
  return `#\ncluster.id=${clusterId}\ndirectory.id=${directoryId}\nnode.id=${nodeId}\nversion=1\n`
}
