// Services that filters ask about requests, as plain data.

/** A gRPC service behind a cluster. */
export interface GrpcServiceConfig {
  readonly cluster: string;
  /** Empty: the cluster's name. */
  readonly authority: string;
  /** 0 for no limit. */
  readonly timeoutMilliseconds: number;
  readonly metadata: readonly { readonly name: string; readonly value: string }[];
}

/** Which header changes of a service are taken (envoy.config.common.mutation_rules.v3.HeaderMutationRules). */
export interface MutationRulesConfig {
  readonly allowAllRouting: boolean;
  readonly allowEnvoy: boolean;
  readonly disallowSystem: boolean;
  readonly disallowAll: boolean;
  readonly allowExpression: string | null;
  readonly disallowExpression: string | null;
  readonly disallowIsError: boolean;
}
