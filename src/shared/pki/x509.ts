// The X.509 library behind one door: its dependency injection needs the reflection polyfill loaded first.
import 'reflect-metadata';

export {
  AuthorityKeyIdentifierExtension, BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension, KeyUsageFlags, KeyUsagesExtension,
  Pkcs10CertificateRequest, Pkcs10CertificateRequestGenerator, PublicKey, SubjectAlternativeNameExtension, SubjectKeyIdentifierExtension, X509Certificate, X509CertificateGenerator,
} from '@peculiar/x509';
