import { describe, expect, it } from 'vitest';
import { files, flag, helpText, oneOf, parseCommandLine, someOf, text, textOr, UsageError, wholeNumber, type Usage } from './options.ts';

const OPTIONS = {
  name: textOr('NAME', 'dev', 'whose name'), nodes: wholeNumber('N', { minimum: 1, maximum: 4, fallback: 2 }, 'how many'), mode: oneOf('MODE', ['a', 'b'], 'a', 'which'),
  kind: someOf('KIND', ['x', 'y', 'z'], 'kinds', (given) => given.toLowerCase()), image: files('FILE', 'make one', 'archives'), use: text('NAME', 'another', 'u'), keep: flag('keeps'),
};
const USAGE: Usage<typeof OPTIONS> = { program: 'try', about: 'Tries.', options: OPTIONS, operands: '[filters]', passesTo: 'vitest' };

describe('`parseCommandLine`', () => {
  it('gives values, operands and what is for somebody else', () => {
    expect(parseCommandLine(USAGE, ['one', '--nodes', '3', '--kind=X', '--kind', 'z', '-u', 'other', '--keep', 'two', '--', '--bail', '1'])).toEqual({
      values: { name: 'dev', nodes: 3, mode: 'a', kind: ['x', 'z'], image: [], use: 'other', keep: true }, operands: ['one', 'two'], passed: ['--bail', '1'],
    });
    expect(parseCommandLine(USAGE, [])?.values).toEqual({ name: 'dev', nodes: 2, mode: 'a', kind: [], image: [], use: undefined, keep: false });
  });

  it('is undefined when help is asked for, whatever else is there but an unknown option', () => {
    expect([parseCommandLine(USAGE, ['--help']), parseCommandLine(USAGE, ['-h', '--nodes', 'two'])]).toEqual([undefined, undefined]);
  });

  it.each([
    [['--nodes', 'two'], "--nodes is a whole number from 1 to 4, not 'two'"],
    [['--nodes', '5'], "--nodes is a whole number from 1 to 4, not '5'"],
    [['--nodes', '1.5'], "--nodes is a whole number from 1 to 4, not '1.5'"],
    [['--nodes='], "--nodes is a whole number from 1 to 4, not ''"],
    [['--mode', 'typo'], "--mode is a or b, not 'typo'"],
    [['--kind', 'X', '--kind', 'Q'], "--kind is one of x, y, z, not 'Q'"],
    [['--image', 'none.tar'], '--image none.tar: there is no such file; make one'],
    [['--name'], '--name needs a value: --name NAME'],
    [['--name', '--keep'], '--name needs a value: --name NAME'],
    [['--name', 'a', '--name', 'b'], '--name is given 2 times; it takes one value'],
    [['--keep=yes'], "--keep takes no value, and is given 'yes'"],
    [['--node', '3'], 'there is no option --node; there is --nodes'],
    [['--odd'], 'there is no option --odd; those of vitest stand behind a further --'],
    [['-x'], 'there is no option -x; those of vitest stand behind a further --'],
    [['--constructor'], 'there is no option --constructor; those of vitest stand behind a further --'],
  ])('refuses %j', (args, message) => {
    expect(() => parseCommandLine(USAGE, args)).toThrow(new UsageError(message));
  });

  it('refuses what nobody takes', () => {
    const { operands: _operands, passesTo: _passesTo, ...bare } = USAGE;
    expect(() => parseCommandLine(bare, ['--odd'])).toThrow(new UsageError('there is no option --odd'));
    expect(() => parseCommandLine(bare, ['word'])).toThrow(new UsageError("'word' is no option; options begin with --"));
    expect(() => parseCommandLine(bare, ['--', 'word'])).toThrow(new UsageError("nothing is expected behind --, and there is 'word'"));
  });
});

it('`helpText` lists every option with its value and what it is otherwise', () => {
  const help = helpText({ ...USAGE, notes: 'The end.' });
  expect(help).toContain('Tries.\n\n  npm run try -- [options] [filters] [-- arguments of vitest]\n');
  for (const line of ['--name NAME     whose name (default: dev)', '-u, --use NAME  another', '--kind KIND     kinds; may be given several times', '--help          prints this', 'The end.']) expect(help).toContain(line);
});
