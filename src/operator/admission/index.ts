// The operator's admission webhooks: their routes.
import type { HttpRoute } from '../../shared/http/index.ts';
import { defaultControlPlane } from './control-plane-defaults.ts';
import { answerReview, type AdmissionHandler } from './review.ts';
import { validateControlPlane, type ValidationContext } from './validate-control-plane.ts';
import { defaultMemberRoll, validateMember, validateMemberRoll } from './validate-members.ts';

/** The routes of the webhooks. */
export function admissionRoutes(context: ValidationContext, serviceAccount: string): HttpRoute[] {
  const { registry, operatorNamespace } = context;
  const operatorUser = `system:serviceaccount:${operatorNamespace}:${serviceAccount}`;
  const handlers: Record<string, AdmissionHandler> = {
    '/mutate-smcp': async (question) => defaultControlPlane(registry, question),
    '/validate-smcp': (question) => validateControlPlane(context, question),
    '/mutate-smmr': async (question) => defaultMemberRoll(question),
    '/validate-smmr': (question) => validateMemberRoll(context, operatorUser, question),
    '/validate-smm': (question) => validateMember(context, operatorUser, question),
  };
  return Object.entries(handlers).map(([path, handler]) => ({ method: 'POST', path, handler: (request) => answerReview(request, handler) }));
}
