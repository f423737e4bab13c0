// Switches off one rule of the protocol at a time and expects the tests to notice: `npm run test:mutants`.
// Works on a copy of the sources in place and puts each file back; refuses to start on uncommitted changes.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const CORE = 'libs/cache/src/core';
const REDIS = 'libs/cache/src/drivers/redis';

const MUTANTS = [
  [
    'a missing tag is taken as valid',
    `${CORE}/tiers/remote-judge.ts`,
    "version === undefined ? 'deleted' :",
    "version === undefined ? 'valid' :",
  ],
  [
    'joiners are not checked at landing',
    `${CORE}/join-rules.ts`,
    "return this.state.verdict(dependsOn, basis) === 'valid';",
    'return true;',
  ],
  [
    'fills are not checked by L1',
    `${CORE}/fills.ts`,
    "verdict === 'valid' || verdict === worst ? undefined : 'invalidated'",
    'undefined',
  ],
  [
    'the generation is not checked on a hit',
    `${CORE}/tiers/local-tier.ts`,
    'entry.generation !== this.state.generation',
    'entry.generation !== entry.generation',
  ],
  [
    'the lease is not checked on a hit',
    `${CORE}/tiers/local-tier.ts`,
    'if (!this.state.leaseHeldAt(now)) return',
    'if (this.state.leaseHeldAt(now) === undefined) return',
  ],
  ['the epoch of an entry is ignored', `${CORE}/tiers/remote-judge.ts`, 'epoch !== entry.born.epoch || ', ''],
  [
    'nobody waits for acknowledgements',
    `${CORE}/coherence/invalidator.ts`,
    '.filter((id) => id !== this.member);',
    '.filter(() => false);',
  ],
  [
    'the lease counts from the arrival of the echo',
    `${CORE}/coherence/lease.ts`,
    'grantLease(sent.monotonic, sent.wall,',
    'grantLease(this.clock.monotonic(), this.clock.now(),',
  ],
  [
    "a reader's tags are ignored in L1",
    `${CORE}/tiers/local-tier.ts`,
    'tags.length > 0 && !entry.carries(',
    'tags.length < 0 && !entry.carries(',
  ],
  [
    'an older fill replaces a newer one',
    `${REDIS}/scripts/loading.ts`,
    "    return 0\n  end\n  redis.call('SET', key, bytes",
    "  end\n  redis.call('SET', key, bytes",
  ],
  [
    'the run id of the server is ignored',
    `${REDIS}/told-versions.ts`,
    'epoch === undefined || run !== ownRun',
    'epoch === undefined',
  ],
];

if (execFileSync('git', ['status', '--porcelain', 'libs']).length > 0) {
  process.stderr.write(
    'Commit or stash what is changed below libs/ first: this run edits files there and puts them back.\n',
  );
  process.exit(2);
}

let survivors = 0;
for (const [rule, file, from, to] of MUTANTS) {
  const source = readFileSync(file, 'utf8');
  if (!source.includes(from)) {
    process.stdout.write(`OUTDATED  ${rule}: not found in ${file}\n`);
    survivors++;
    continue;
  }
  writeFileSync(
    file,
    source.replace(from, () => to),
  );
  try {
    const args = ['node_modules/jest/bin/jest.js', '--selectProjects', 'unit', 'integration', '--bail'];
    const { status } = spawnSync(process.execPath, args, { stdio: 'ignore', timeout: 180_000 });
    process.stdout.write(`${status === 0 ? 'SURVIVED ' : 'found    '} ${rule}\n`);
    if (status === 0) survivors++;
  } finally {
    writeFileSync(file, source);
  }
}
process.stdout.write(`${MUTANTS.length - survivors} of ${MUTANTS.length} rules are noticed when they are missing\n`);
process.exit(survivors === 0 ? 0 : 1);
