// What a route writes into the headers of responses: those of upstreams, and the answers that a route gives by itself.
import { mutateResponse } from '../../../route/header-mutations.ts';
import type { SelectedRoute } from '../../../route/route-table.ts';
import type { LocalReply } from '../../../stream/filter.ts';
import type { RequestHeaders, ResponseHeaders } from '../../../stream/header-map.ts';
import type { StreamInfo } from '../../../stream/stream-info.ts';
import { mutationsOf } from './prepare-request.ts';

interface StreamView {
  readonly info: StreamInfo;
  readonly requestHeaders: RequestHeaders;
}

/** Changes a response's headers as the route says. */
export function changeResponse(selected: SelectedRoute, { info, requestHeaders }: StreamView, headers: ResponseHeaders): void {
  // The values may name the status.
  info.responseCode = headers.status;
  mutateResponse(mutationsOf(selected), headers, info, requestHeaders);
}

/** A redirect or another answer of the route itself, to which its changes apply too. */
export function directReply(selected: SelectedRoute, stream: StreamView, reply: LocalReply): LocalReply {
  return { ...reply, modify: (headers) => changeResponse(selected, stream, headers) };
}
