import { test } from 'tap'
import { MAX_USERS_BYTES } from '../../../src/files/read.js'
import { outputOption, printResult } from '../../../src/cli/terminal.js'
import { runOnTerminal } from '../../fixtures/command.js'
import { needs } from '../../fixtures/packages.js'
import { openScreen } from '../../fixtures/screen.js'

test('results go to stdout, words to stderr, each with one newline at its end', async (t) => {
  const { terminal, stdout, stderr } = openScreen()
  terminal.print('a result')
  terminal.print(['another', 'and its end'])
  terminal.note('a word')
  t.equal(stdout(), 'a result\nanother\nand its end\n')
  t.equal(stderr(), 'a word\n')
})

test('colour is for terminals, and for those who ask for it', async (t) => {
  const cases: Array<[tty: boolean, env: NodeJS.ProcessEnv, colour: boolean]> = [
    [true, {}, true],
    [true, { NO_COLOR: '' }, true],
    [true, { NO_COLOR: '1' }, false],
    [true, { TERM: 'dumb' }, false],
    [false, {}, false]
  ]
  for (const [tty, env, colour] of cases) t.equal(openScreen({ tty, env }).terminal.colour, colour, JSON.stringify({ tty, env }))
})

test('a prompt', async (t) => {
  t.test('asks on stderr and gives what was typed', async (t) => {
    const { terminal, stdin, stdout, stderr } = openScreen()
    const answer = terminal.prompt('Name: ')
    stdin.write('alixe\x7f\x7fce\r')
    t.equal(await answer, 'alice')
    t.match(stderr(), /Name: .*ali/)
    t.equal(stdout(), '')
  })

  t.test('a hidden one shows nothing of it', async (t) => {
    const { terminal, stdin, stderr } = openScreen()
    const answer = terminal.prompt('Password: ', { hidden: true })
    stdin.write('wonderland\r')
    t.equal(await answer, 'wonderland')
    t.equal(stderr(), 'Password: \n')
  })

  t.test('several in a row', async (t) => {
    const { terminal, stdin } = openScreen()
    for (const typed of ['first', 'second']) {
      const answer = terminal.prompt('? ', { hidden: true })
      stdin.write(`${typed}\r`)
      t.equal(await answer, typed)
    }
  })

  t.test('Ctrl-C and Ctrl-D end the command', async (t) => {
    for (const [key, wanted] of [['\x03', { message: 'interrupted', exitCode: 130 }], ['\x04', { message: 'nothing was entered', exitCode: 2 }]] as const) {
      const { terminal, stdin } = openScreen()
      const answer = terminal.prompt('? ')
      stdin.write(key)
      await t.rejects(answer, { name: 'CommandError', ...wanted })
    }
  })

  t.test('rejects what is not UTF-8, since passwords that differ in it would be equal', async (t) => {
    const { terminal, stdin } = openScreen()
    const answer = terminal.prompt('Password: ', { hidden: true })
    stdin.write(Buffer.from('caf\xe9\r', 'latin1'))
    await t.rejects(answer, { name: 'CommandError', exitCode: 2, message: 'the input is not UTF-8 text' })
  })

  t.test('without a terminal says what to use instead', async (t) => {
    const { terminal, stderr } = openScreen({ tty: false })
    t.notOk(terminal.interactive)
    await t.rejects(terminal.prompt('Password: ', { instead: '--password-file' }), { exitCode: 2, message: 'no terminal to prompt on; use --password-file' })
    await t.rejects(terminal.prompt('Password: '), { message: /use a file or stdin/ })
    t.equal(stderr(), '')
  })

  t.test('echoes nothing on a real terminal', needs('script'), async (t) => {
    const { code, stdout } = await runOnTerminal(['hash', 'password'], [['New password: ', 'wonderland\r'], ['once more: ', 'wonderland\r']])
    t.match(stdout, /\$scrypt\$/)
    t.notMatch(stdout, /wonderland/)
    t.equal(code, 0)
  })
})

test('stdin is read to its end', async (t) => {
  for (const tty of [true, false]) {
    const { terminal, stdin, stderr } = openScreen({ tty })
    const text = terminal.readStdin()
    stdin.end('two\nlines\n')
    t.equal(await text, 'two\nlines\n')
    t.equal(stderr(), tty ? 'Reading from the terminal; end with Ctrl-D.\n' : '', 'a person is told that it waits')
  }
})

test('a line stays a line, and steers no terminal', async (t) => {
  const { terminal, stdin, stdout, stderr } = openScreen()
  terminal.print(['\u001b[2J', 'a\n[+] fake'])
  terminal.note('\u202e\r')
  const answer = terminal.prompt('Who is \u009b2J? ', { hidden: true })
  stdin.write('x\r')
  await answer
  terminal.write('a file\twhich is\u202e\nnot ours')
  t.equal(stdout(), '\\u001b[2J\na\\n[+] fake\na file\twhich is\u202e\nnot ours')
  t.equal(stderr(), '\\u202e\\r\nWho is \\u009b2J? \n')
})

test('stdin that is not UTF-8 is rejected, since passwords that differ in it would be equal', async (t) => {
  const { terminal, stdin } = openScreen({ tty: false })
  const text = terminal.readStdin()
  stdin.end(Buffer.from('caf\xe9', 'latin1'))
  await t.rejects(text, { name: 'CommandError', exitCode: 2, message: 'stdin is not UTF-8 text' })
})

test('stdin holds no more than the largest file', async (t) => {
  const { terminal, stdin } = openScreen({ tty: false })
  const text = terminal.readStdin()
  stdin.end(Buffer.alloc(MAX_USERS_BYTES + 1))
  await t.rejects(text, { name: 'CommandError', message: 'stdin has more than 64 MiB' })
})

test('a result in three formats', async (t) => {
  const value = { username: 'no', at: new Date(0), absent: undefined, groups: ['a', 'b'] }
  const cases = [
    ['text', 'for people\n'],
    ['json', '{\n  "username": "no",\n  "at": "1970-01-01T00:00:00.000Z",\n  "groups": [\n    "a",\n    "b"\n  ]\n}\n'],
    ['yaml', "username: 'no'\nat: '1970-01-01T00:00:00.000Z'\ngroups:\n  - a\n  - b\n"]
  ] as const
  for (const [format, wanted] of cases) {
    const { terminal, stdout } = openScreen()
    await printResult(terminal, format, value, () => 'for people')
    t.equal(stdout(), wanted, format)
  }
  t.strictSame(outputOption.argChoices, ['json', 'yaml'])
})
