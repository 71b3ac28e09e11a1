import { expect } from 'chai';

import { en } from '../../web/i18n/en.ts';
import {
  formatAgo,
  formatBytes,
  formatClock,
  formatDuration,
  formatMinute,
  formatMoment,
  formatNumber,
  formatPassing,
  formatPercent,
} from '../../web/i18n/format.ts';
import { useLanguage } from '../../web/i18n/language.ts';
import { rich, t } from '../../web/i18n/text.ts';
import { zh } from '../../web/i18n/zh.ts';
import { may } from '../../web/who.ts';

const minute = 60_000;
const hour = 60 * minute;
const at = new Date(2026, 2, 5, 14, 3, 7);

describe('the texts of the console', () => {
  afterEach(async () => await useLanguage('en'));

  it('have the same keys in both languages', () => {
    expect(Object.keys(zh)).to.have.members(Object.keys(en));
  });

  it('say nothing in Chinese that is still English', () => {
    // What is the same in both: names, and what is nothing but parameters.
    const same = Object.keys(en).filter((key) => {
      return (
        isKey(key) && /[a-z]{2}/.test(wordsOf(en[key])) && wordsOf(en[key]) === wordsOf(zh[key])
      );
    });
    expect(same).to.deep.equal([]);
  });

  it('take their parameters, numbers written as the language does', async () => {
    const named = t('shell.theme', { name: 'a', next: 'b' });
    expect(named).to.equal('Theme: a. Change to b.');
    expect(t('error.status', { status: 1234 })).to.equal('The server answered 1,234.');
    expect(rich('live.node', { node: 'a' })).to.deep.equal(['Served by node ', 'a', '']);
    await useLanguage('zh');
    expect(t('live.node', { node: 'a' })).to.equal('由节点 a 提供服务');
  });

  it('show durations in two units at most', async () => {
    const shown = [0, 250, 3_260, 12_900, 200_000, 2 * hour + 5 * minute, 25 * hour].map(
      formatDuration,
    );
    expect(shown).to.deep.equal(['0ms', '250ms', '3.2s', '12s', '3m 20s', '2h 5m', '1d 1h']);
    expect([400, 3_900, hour].map(formatPassing)).to.deep.equal(['0s', '3s', '1h']);
    await useLanguage('zh');
    expect([250, 200_000].map(formatDuration)).to.deep.equal(['250ms', '3分钟20秒']);
  });

  it('show moments, sizes and parts as the language does', async () => {
    expect([5_000, 3 * minute, 26 * hour].map(formatAgo)).to.deep.equal([
      '5s ago',
      '3m ago',
      '1d ago',
    ]);
    expect(formatClock(at)).to.equal('14:03:07');
    expect(formatMinute(at)).to.equal('14:03');
    expect([512, 20_480, 3.25 * 1024 ** 3].map(formatBytes)).to.deep.equal([
      '512 bytes',
      '20 kB',
      '3.3 GB',
    ]);
    expect(formatNumber(1234567)).to.equal('1,234,567');
    expect(formatPercent(0.0312, 1)).to.equal('3.1%');
    await useLanguage('zh');
    expect(formatAgo(3 * minute)).to.equal('3分钟前');
    expect(formatMoment(at)).to.contain('2026年3月5日');
  });
});

describe('who may do what', () => {
  it('goes by the highest scope', () => {
    const who = { name: 'x', authentication: 'key', dev: false } as const;
    expect(may({ ...who, scopes: ['operate'] }, 'read')).to.equal(true);
    expect(may({ ...who, scopes: ['operate'] }, 'admin')).to.equal(false);
    expect(may({ ...who, scopes: ['admin'] }, 'admin')).to.equal(true);
    expect(may({ ...who, scopes: [] }, 'read')).to.equal(false);
  });
});

function isKey(key: string): key is keyof typeof en {
  return key in en;
}

function wordsOf(text: (typeof zh)[keyof typeof zh]): string {
  const whole = typeof text === 'string' ? text : text.other;
  return whole.replaceAll(/\{\w+\}/g, '').trim();
}
