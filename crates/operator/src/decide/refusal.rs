//! What a server's refusal of a write means. Three different things are 403 for it, and a namespace that is not there is
//! 403 or 404 by what the account may see: whether it is there is known from the namespaces.

use crate::Reason;

/// What a server said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The status code.
    pub code: u16,
    /// The reason, such as `AlreadyExists`.
    pub reason: String,
    /// The words.
    pub message: String,
    /// The reasons of its causes.
    pub causes: Vec<String>,
}

/// The reason of a target whose write was refused.
pub fn refusal(said: &Said) -> Reason {
    let says = |text: &str| said.message.contains(text);
    match said.code {
        _ if said.causes.iter().any(|it| it == "NamespaceTerminating") => Reason::NamespaceTerminating,
        403 if says("exceeded quota") => Reason::QuotaExceeded,
        _ if says("ValidatingAdmissionPolicy") || says("admission webhook") || says("failed calling webhook") => {
            Reason::AdmissionDenied
        }
        401 => Reason::TokenDenied,
        403 if says("unable to create new content in namespace") => Reason::NamespaceTerminating,
        403 if !says("is forbidden: User ") && !says("cannot ") => Reason::AdmissionDenied,
        403 => Reason::TargetForbidden,
        404 => Reason::NamespaceMissing,
        413 => Reason::TooLarge,
        422 if says("Too long") => Reason::TooLarge,
        400 | 405 | 415 | 422 => Reason::AdmissionDenied,
        _ => Reason::ApiUnavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_reason() {
        let rbac = "configmaps is forbidden: User \"system:serviceaccount:a:b\" cannot create resource \"configmaps\"";
        let table = [
            (403, rbac, Reason::TargetForbidden),
            (
                403,
                "configmaps \"a\" is forbidden: exceeded quota: q, requested: count/configmaps=1",
                Reason::QuotaExceeded,
            ),
            (
                403,
                "configmaps \"a\" is forbidden: unable to create new content in namespace b because it is being terminated",
                Reason::NamespaceTerminating,
            ),
            (422, "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no", Reason::AdmissionDenied),
            (400, "admission webhook \"w\" denied the request: no", Reason::AdmissionDenied),
            (500, "Internal error occurred: failed calling webhook \"w\"", Reason::AdmissionDenied),
            (401, "Unauthorized", Reason::TokenDenied),
            (404, "namespaces \"x\" not found", Reason::NamespaceMissing),
            (413, "Request entity too large: limit is 3145728", Reason::TooLarge),
            (422, "ConfigMap \"a\" is invalid: []: Too long: may not be more than 1048576 bytes", Reason::TooLarge),
            (500, "etcdserver: leader changed", Reason::ApiUnavailable),
            (504, "Timeout", Reason::ApiUnavailable),
        ];
        for (code, message, expected) in table {
            let said = Said { code, message: message.into(), ..Said::default() };
            assert_eq!(refusal(&said), expected, "{code} {message}");
        }
        let terminating = Said { code: 403, causes: vec!["NamespaceTerminating".into()], ..Said::default() };
        assert_eq!(refusal(&terminating), Reason::NamespaceTerminating);
    }
}
