// The product page's HTML: one page, no scripts, styles inline, readable with any failing part named in its place.

/** A review as the reviews service gives it. */
export interface Review {
  readonly reviewer: string;
  readonly text: string;
  readonly rating?: { readonly stars?: number; readonly color?: string; readonly error?: string };
}

/** A part of the page: its data, or why there is none. */
export type Part<T> = { readonly data: T } | { readonly error: string };

/** All that the page shows. */
export interface PageContent {
  readonly title: string;
  readonly description: string;
  readonly user: string | undefined;
  readonly details: Part<Readonly<Record<string, unknown>>>;
  readonly reviews: Part<{ readonly reviews: readonly Review[]; readonly podname?: string }>;
  readonly servedBy: string;
}

const style = `
:root{--ink:#22262e;--quiet:#6a7280;--paper:#fbf9f5;--card:#fff;--line:#e7e2d8;--accent:#1f5f5b;--warn:#8a3b12}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.6 Georgia,'Times New Roman',serif}
header{background:var(--accent);color:#f4f1ea;padding:.8rem 1.5rem;display:flex;align-items:center;gap:1rem;flex-wrap:wrap;font-family:system-ui,sans-serif;font-size:.95rem}
header b{font-size:1.1rem;letter-spacing:.02em}
header form{margin-left:auto;display:flex;gap:.5rem;align-items:center}
header input,header button{font:inherit;padding:.3rem .7rem;border-radius:6px;border:1px solid #ffffff55;background:#ffffff1a;color:#fff}
header input::placeholder{color:#ffffffa0}
header button{background:#f4f1ea;color:var(--accent);border-color:#f4f1ea;cursor:pointer}
main{max-width:62rem;margin:0 auto;padding:2.5rem 1.5rem 4rem}
h1{font-size:2.4rem;line-height:1.15;margin:0 0 .6rem}
.lead{max-width:44rem;color:#3c424d;margin:0 0 2.2rem}
.columns{display:grid;grid-template-columns:minmax(15rem,1fr) 2fr;gap:1.6rem}
@media(max-width:48rem){.columns{grid-template-columns:1fr}}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.3rem 1.5rem}
h2{font:600 .8rem/1 system-ui,sans-serif;letter-spacing:.09em;text-transform:uppercase;color:var(--accent);margin:0 0 1rem}
dl{display:grid;grid-template-columns:auto 1fr;gap:.3rem 1rem;margin:0;font-size:.97rem}
dt{color:var(--quiet)}dd{margin:0}
blockquote{margin:0 0 1.2rem;padding:0 0 1.2rem;border-bottom:1px solid var(--line)}
blockquote:last-of-type{border:0;margin:0;padding:0}
blockquote p{margin:0 0 .4rem;font-size:1.08rem}
cite{color:var(--quiet);font-style:normal;font-size:.92rem}
.stars{font-size:1.25rem;letter-spacing:.12em;margin-right:.7rem}
.stars.black{color:#1a1a1a}.stars.red{color:#c8102e}.stars i{font-style:normal;color:#d9d3c6}
.error{font-family:system-ui,sans-serif;font-size:.95rem;color:var(--warn);background:#fdf1e7;border:1px solid #f0d3bb;border-radius:8px;padding:.8rem 1rem;margin:0}
footer{margin-top:1.6rem;color:var(--quiet);font:.85rem/1.5 system-ui,sans-serif}
`;

/** The page. */
export function renderPage(content: PageContent): string {
  const { title, description, user, details, reviews, servedBy } = content;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Simple Bookstore App</title><style>${style}</style></head>
<body>
<header><b>Bookinfo</b><span>a sample of four services in a mesh</span>${renderUser(user)}</header>
<main>
<h1>${escape(title)}</h1>
<p class="lead">${escape(description)}</p>
<div class="columns">
<section><h2>Book Details</h2>${renderDetails(details)}</section>
<section><h2>Book Reviews</h2>${renderReviews(reviews)}</section>
</div>
<footer>This page by ${escape(servedBy)}${'data' in reviews && reviews.data.podname ? `, reviews by ${escape(reviews.data.podname)}` : ''}.</footer>
</main>
</body></html>
`;
}

function renderUser(user: string | undefined): string {
  return user === undefined
    ? '<form method="post" action="login"><input name="username" placeholder="User name" aria-label="User name" autocomplete="username" required><input name="passwd" type="password" placeholder="Password" aria-label="Password" autocomplete="current-password"><button>Sign in</button></form>'
    : `<form method="get" action="logout"><span>Signed in as <b>${escape(user)}</b></span><button>Sign out</button></form>`;
}

function renderDetails(details: PageContent['details']): string {
  if (!('data' in details)) return renderError(details.error);
  const names: Readonly<Record<string, string>> = { author: 'Author', year: 'Year', type: 'Type', pages: 'Pages', publisher: 'Publisher', language: 'Language', 'ISBN-10': 'ISBN-10', 'ISBN-13': 'ISBN-13' };
  const rows = Object.entries(names).flatMap(([key, label]) => (details.data[key] === undefined ? [] : [`<dt>${label}</dt><dd>${escape(String(details.data[key]))}</dd>`]));
  return `<dl>${rows.join('')}</dl>`;
}

function renderReviews(reviews: PageContent['reviews']): string {
  if (!('data' in reviews)) return renderError(reviews.error);
  return reviews.data.reviews.map((review) => `<blockquote><p>${escape(review.text)}</p>${renderRating(review.rating)}<cite>${escape(review.reviewer)}</cite></blockquote>`).join('');
}

function renderRating(rating: Review['rating']): string {
  if (!rating) return '';
  if (rating.stars === undefined) return `<p class="error">${escape(rating.error ?? 'Ratings service is currently unavailable')}</p>`;
  const stars = Math.min(5, Math.max(0, Math.round(rating.stars)));
  const color = rating.color === 'red' ? 'red' : 'black';
  return `<span class="stars ${color}" role="img" aria-label="${stars} of 5 stars">${'★'.repeat(stars)}<i>${'★'.repeat(5 - stars)}</i></span>`;
}

function renderError(message: string): string {
  return `<p class="error">${escape(message)}</p>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
