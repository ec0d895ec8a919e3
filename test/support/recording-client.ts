// A client that remembers what the API server refused its user: what a program asks for beyond its role shows here even where the program copes.
import type { IncomingMessage } from 'node:http';
import { KubeClient, KubeError, loadKubeConfig, type KubeRequest, type KubeResponse } from '../../src/shared/kube/index.ts';
import { KubeTransport } from '../../src/shared/kube/kube-transport.ts';

class RecordingTransport extends KubeTransport {
  readonly refusals: string[] = [];

  override async sendAny(request: KubeRequest): Promise<KubeResponse> {
    const response = await super.sendAny(request);
    if (response.status === 403 && !response.body.includes('denied the request')) this.refusals.push(`${request.method} ${request.path}: ${response.body}`);
    return response;
  }

  override async stream(request: KubeRequest): Promise<IncomingMessage> {
    try {
      return await super.stream(request);
    } catch (error) {
      if (error instanceof KubeError && error.status === 403) this.refusals.push(`${request.method} ${request.path}: ${error.message}`);
      throw error;
    }
  }
}

/** A client, and the requests that were forbidden to it so far. A webhook's denial is not one of them. */
export function recordingClient(kubeconfigText: string): { readonly client: KubeClient; readonly refusals: readonly string[] } {
  const transport = new RecordingTransport(loadKubeConfig({ kubeconfigText }), 'mizzen');
  return { client: new KubeClient(transport), refusals: transport.refusals };
}
