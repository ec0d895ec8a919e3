// The rescue table: what went wrong towards an upstream, and what that means to the client, the access log and a retry. One table; the
// router reads it.
import type { ResponseFlag } from '../../../stream/stream-info.ts';

/** What a failure before the response's headers means. */
export interface ProxyErrorMeaning {
  readonly code: string;
  readonly source: 'upstream' | 'internal';
  readonly status: number;
  readonly flag: ResponseFlag;
  /** Envoy's words for the reset reason, part of the response's body. */
  readonly reason: string;
  /** No byte of the request can have reached an application. */
  readonly unsent: boolean;
}

/** Meanings by reset reason. */
export const PROXY_ERRORS = {
  connect_failure: { code: 'MESH_PROXY_UPSTREAM_CONNECT_FAILURE', source: 'upstream', status: 503, flag: 'UF', reason: 'remote connection failure', unsent: true },
  connect_timeout: { code: 'MESH_PROXY_UPSTREAM_CONNECT_TIMEOUT', source: 'upstream', status: 503, flag: 'UF', reason: 'connection timeout', unsent: true },
  overflow: { code: 'MESH_PROXY_UPSTREAM_OVERFLOW', source: 'internal', status: 503, flag: 'UO', reason: 'overflow', unsent: true },
  refused_stream: { code: 'MESH_PROXY_UPSTREAM_REFUSED_STREAM', source: 'upstream', status: 503, flag: 'UR', reason: 'remote refused stream reset', unsent: true },
  remote_reset: { code: 'MESH_PROXY_UPSTREAM_RESET', source: 'upstream', status: 503, flag: 'UR', reason: 'remote reset', unsent: false },
  local_reset: { code: 'MESH_PROXY_LOCAL_RESET', source: 'internal', status: 503, flag: 'LR', reason: 'local reset', unsent: false },
  connection_termination: { code: 'MESH_PROXY_UPSTREAM_CLOSED', source: 'upstream', status: 503, flag: 'UC', reason: 'connection termination', unsent: false },
  protocol_error: { code: 'MESH_PROXY_UPSTREAM_PROTOCOL', source: 'upstream', status: 502, flag: 'UPE', reason: 'protocol error', unsent: false },
} as const satisfies Readonly<Record<string, ProxyErrorMeaning>>;
