// SPDX-License-Identifier: Apache-2.0
// Finds words in headings, names and text. The index, window.hobIndex, is fetched when somebody begins to search:
// [title, page's title, address, text] each.
(() => {
  const input = document.querySelector('.site-search input'), list = document.querySelector('.site-search ol');
  const root = document.currentScript.dataset.root;
  let asked = false;

  const score = ([title, page, , text], words) => {
    let sum = 0;
    for (const word of words) {
      const name = title.toLowerCase();
      if (name === word) sum += 100;
      else if (name.startsWith(word)) sum += 40;
      else if (name.includes(word)) sum += 20;
      else if (text.toLowerCase().includes(word)) sum += 2;
      else if (page.toLowerCase().includes(word)) sum += 1;
      else return 0;
    }
    return sum - title.length / 100;
  };

  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    list.replaceChildren();
    if (!words.length || !window.hobIndex) return;
    const found = window.hobIndex.map(entry => [score(entry, words), entry]).filter(([points]) => points > 0);
    found.sort((a, b) => b[0] - a[0]);
    for (const [, [title, page, address, text]] of found.slice(0, 20)) {
      const item = document.createElement('li'), link = document.createElement('a'), more = document.createElement('small');
      const at = Math.max(0, text.toLowerCase().indexOf(words[0]) - 40);
      link.href = root + address;
      link.textContent = title;
      more.textContent = (page === title ? '' : page + ' · ') + text.slice(at, at + 120);
      link.append(more);
      item.append(link);
      list.append(item);
    }
    if (!found.length) list.append(Object.assign(document.createElement('li'), {textContent: 'Nothing found'}));
  };

  input.onfocus = () => {
    if (asked) return;
    asked = true;
    document.head.append(Object.assign(document.createElement('script'), {src: root + 'index.js', onload: show}));
  };
  input.oninput = show;
  input.onkeydown = event => {
    const first = list.querySelector('a');
    if (event.key === 'Enter' && first) first.click();
    if (event.key === 'Escape') { input.value = ''; show(); }
  };
  document.addEventListener('click', event => { if (!event.target.closest('.site-search')) list.replaceChildren(); });
  document.addEventListener('keydown', event => {
    if (event.key === '/' && !/INPUT|TEXTAREA/.test(document.activeElement.tagName)) { event.preventDefault(); input.focus(); }
  });
})();
