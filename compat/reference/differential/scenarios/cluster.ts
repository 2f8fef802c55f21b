import {
  AlterReplicaLogDirs,
  DescribeCluster,
  DescribeLogDirs,
  Produce,
  UpdateFeatures,
} from '../../../../protocol/index.js'
import { batch } from '../batches.js'
import { perVersion, versionsOf } from '../scenario.js'
import { produceTo } from './produce.js'

perVersion('DescribeCluster {v}', versionsOf(DescribeCluster), async (c, v) => {
  await c.send(DescribeCluster, v, {})
  await c.send(DescribeCluster, v, { includeClusterAuthorizedOperations: true })
  if (v >= 1) for (const endpointType of [2, 0, 9]) await c.send(DescribeCluster, v, { endpointType })
  if (v >= 2) await c.send(DescribeCluster, v, { includeFencedBrokers: true })
})

perVersion('DescribeLogDirs {v}', versionsOf(DescribeLogDirs), async (c, v) => {
  const topic = await c.setUpTopic({ partitions: 2 })
  await c.quiet(Produce, 7, produceTo(7, topic, batch(['a', 'b'])))
  await c.send(DescribeLogDirs, v, { topics: [{ topic: topic.name, partitions: [0, 1, 9] }] })
  await c.send(DescribeLogDirs, v, { topics: [{ topic: c.name('absent'), partitions: [0] }] })
  await c.send(DescribeLogDirs, v, {
    topics: [0, 1].map((partition) => ({ topic: topic.name, partitions: [partition] })),
  })
  await c.send(DescribeLogDirs, v, { topics: [] })
  const all = await c.quiet(DescribeLogDirs, v, { topics: null })
  c.note(
    'all',
    all?.results[0]?.topics.filter((one) => one.name === topic.name),
  )
})

perVersion('AlterReplicaLogDirs {v}', versionsOf(AlterReplicaLogDirs), async (c, v) => {
  const topic = await c.setUpTopic({ partitions: 2 })
  const own = (await c.quiet(DescribeLogDirs, 4, { topics: null }))?.results[0]?.logDir ?? ''
  const to = (path: string, name = topic.name, partitions = [0, 1]) => ({
    dirs: [{ path, topics: [{ name, partitions }] }],
  })
  await c.send(AlterReplicaLogDirs, v, to(own))
  await c.send(AlterReplicaLogDirs, v, to(own, topic.name, [0, 9]))
  await c.send(AlterReplicaLogDirs, v, to(own, c.name('absent')))
  await c.send(AlterReplicaLogDirs, v, to(own, 'x'.repeat(240)))
  await c.send(AlterReplicaLogDirs, v, to('/no/such/directory'))
  await c.send(AlterReplicaLogDirs, v, to(''))
  const twice = [own, '/no/such/directory'].map((path) => to(path, topic.name, [0, 0]).dirs[0]!)
  await c.send(AlterReplicaLogDirs, v, { dirs: twice })
  await c.send(AlterReplicaLogDirs, v, { dirs: [] })
})

perVersion('UpdateFeatures {v}', versionsOf(UpdateFeatures), async (c, v) => {
  const update = (feature: string, maxVersionLevel: number, more: object = {}) => ({
    featureUpdates: [{ feature, maxVersionLevel, ...more }],
    ...(v >= 1 ? { validateOnly: true } : {}),
  })
  await c.send(UpdateFeatures, v, update('no.such.feature', 1))
  await c.send(UpdateFeatures, v, update('', 1))
  await c.send(UpdateFeatures, v, update('metadata.version', 9999))
  await c.send(UpdateFeatures, v, { featureUpdates: [] })
  if (v >= 1) {
    await c.send(UpdateFeatures, v, update('group.version', 0))
    await c.send(UpdateFeatures, v, update('group.version', 1, { upgradeType: 9 }))
    await c.send(UpdateFeatures, v, update('group.version', 1))
    for (const levels of [
      [1, 9],
      [9, 1],
    ]) {
      const featureUpdates = levels.map((maxVersionLevel) => ({ feature: 'group.version', maxVersionLevel }))
      await c.send(UpdateFeatures, v, { featureUpdates, validateOnly: true })
    }
  }
})
