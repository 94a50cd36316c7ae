import { ChatList } from './chat_list.js';
import { titleOf } from './chat_item.js';
import { Composer } from './composer.js';
import { Connection } from './connection.js';
import { Conversation } from './conversation.js';
import { confirm } from './dialog.js';
import { Drawer } from './drawer.js';
import { notice } from './notices.js';
import { Outbox } from './outbox.js';
import { Requests } from './requests.js';
import { Session } from './session.js';
import { Status } from './status.js';

const CHAT_ID = /^[A-Za-z0-9_-]{22}$/;

// A phone's keyboard shall not cover what was just opened.
const hasKeyboard = matchMedia('(hover: hover) and (pointer: fine)').matches;

const socket = new URL('ws', document.baseURI);
socket.protocol = socket.protocol.replace('http', 'ws');

const connection = new Connection(socket);
const requests = new Requests(connection);
const outbox = new Outbox(connection);
const session = new Session(connection, requests, outbox);

session.restore(chatOfUrl());
session.addEventListener('notice', ({ detail }) => notice(detail));

new Status(connection, session);
const drawer = new Drawer();
const composer = new Composer(session, outbox);
const conversation = new Conversation(session, outbox, {
  edit: (text) => composer.insert(text),
  change: (item) => composer.change(item),
});
composer.addEventListener('sent', () => conversation.follow());
new ChatList(session, {
  rename: (chat, title) => session.rename(chat, title),
  remove: async (chat) => {
    const agreed = await confirm({
      question: 'Delete this chat?',
      explanation: `“${titleOf(chat)}” and everything said in it will be gone. This cannot be undone.`,
      action: 'Delete',
    });
    if (agreed) session.delete(chat.id);
  },
});

session.addEventListener('open', ({ detail }) => {
  showInUrl(session.current, detail.replaces);
  entitle();
  drawer.close();
  if (hasKeyboard) composer.focus();
});
session.addEventListener('chats', entitle);
addEventListener('hashchange', () => session.open(chatOfUrl()));

document.getElementById('skip').addEventListener('click', (event) => {
  // The fragment of the URL is the open chat's; following the link would leave it.
  event.preventDefault();
  composer.focus();
});
document.getElementById('new-chat').addEventListener('click', () => {
  session.open(null);
  drawer.close();
  composer.focus();
});
document.addEventListener('keydown', (event) => {
  if (
    event.key === 'Escape' &&
    !event.defaultPrevented &&
    !event.isComposing &&
    !document.querySelector('dialog[open]')
  )
    composer.escape();
});

if (hasKeyboard) composer.focus();
connection.connect();

function chatOfUrl() {
  const chat = location.hash.slice(1);
  return CHAT_ID.test(chat) ? chat : null;
}

function showInUrl(chat, replaces) {
  if (chat === chatOfUrl()) return;
  const url = chat === null ? location.pathname + location.search : `#${chat}`;
  // `back` shall lead neither to the page on which a chat was begun nor to a chat that is gone.
  if (replaces) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
}

function entitle() {
  const title = session.chat ? titleOf(session.chat) : '';
  document.getElementById('title').textContent = title || 'New chat';
  document.title = title ? `${title} – Stargazer` : 'Stargazer';
}
