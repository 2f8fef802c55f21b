module.exports = {
  projects: [
    { displayName: 'real time', testMatch: ['<rootDir>/{orders,brokers,fake-timers}.test.js'] },
    {
      displayName: 'fake timers everywhere',
      testMatch: ['<rootDir>/fake-timers-everywhere.test.js'],
      fakeTimers: { enableGlobally: true },
    },
  ],
}
