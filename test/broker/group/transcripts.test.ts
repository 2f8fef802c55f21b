import { transcriptTests } from '../../support/transcripts.js'
import { Conversation } from './conversation.js'

transcriptTests('group transcripts', 'test/broker/group/transcripts', () => {
  const conversation = new Conversation()
  return {
    run: (line) => conversation.run(line),
    close: () => conversation.rig.coordinator.close(),
  }
})
