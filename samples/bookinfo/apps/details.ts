// Bookinfo's details service: facts about a book.
import { serve } from '../../app-server.ts';

const port = Number(process.argv[2] ?? process.env.SERVICE_PORT ?? 9080);

serve('details', port, [
  { method: 'GET', path: /^\/health$/, handler: () => ({ body: { status: 'Details is healthy' } }) },
  {
    method: 'GET', path: /^\/details\/([^/]+)$/,
    handler: ({ params: [id = ''] }) => {
      if (!/^\d+$/.test(id)) return { status: 400, body: { error: 'please provide numeric product id' } };
      return { body: { id: Number(id), author: 'William Shakespeare', year: 1595, type: 'paperback', pages: 200, publisher: 'PublisherA', language: 'English', 'ISBN-10': '1234567890', 'ISBN-13': '123-1234567890' } };
    },
  },
]);
