import { expect, test } from 'vitest';
import { renderPage, type PageContent } from './page.ts';

const content: PageContent = {
  title: 'A <Title>', description: 'About & so on', user: undefined, servedBy: 'pod-1',
  details: { data: { author: 'A. Writer', pages: 200 } }, reviews: { data: { podname: 'reviews-v3-x', reviews: [{ reviewer: 'R1', text: 'Fine', rating: { stars: 4, color: 'red' } }, { reviewer: 'R2', text: 'Dull' }] } },
};

test('renderPage shows details, stars in their color, and escapes what it is given', () => {
  const page = renderPage(content);
  expect(page).toContain('A &lt;Title&gt;');
  expect(page).toContain('<dt>Author</dt><dd>A. Writer</dd>');
  expect(page).toContain('<span class="stars red" role="img" aria-label="4 of 5 stars">★★★★<i>★</i></span>');
  expect(page.match(/class="stars/g)).toHaveLength(1);
  expect(page).toContain('action="login"');
});

test('renderPage names a failing part in its place and keeps the rest', () => {
  const page = renderPage({ ...content, user: '<script>', reviews: { error: 'Sorry, no reviews' } });
  expect(page).toContain('<p class="error">Sorry, no reviews</p>');
  expect(page).toContain('A. Writer');
  expect(page).toContain('Signed in as <b>&lt;script&gt;</b>');
  expect(page).not.toContain('<script>');
});
