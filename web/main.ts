import { Connection } from './connection.ts';
import { loadLanguage } from './i18n/choice.ts';
import { Router } from './router.ts';
import { Session } from './session.ts';
import { Shell } from './shell.ts';
import { startClock } from './time.ts';

const spoken = loadLanguage();
const session = new Session(spoken);
const connection = new Connection(async () => await session.signIn());
startClock(() => connection.now());
const [who] = await Promise.all([session.begin(), spoken]);
const shell: Shell = new Shell({
  connection,
  who,
  navigate: (path, how) => router.navigate(path, how),
  redrawPage: () => router.show(),
});
const router = new Router({
  root: shell.root,
  connection,
  who,
  shown: (page) => shell.show(page),
  announce: (title) => shell.announce(title),
});
router.show();
