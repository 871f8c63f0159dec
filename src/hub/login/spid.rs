//! SPID: Italy's public digital identity (SAML 2.0).
