//! Interprets a server's refusal of a write. The server answers 403 for three different reasons, and 403 or 404 for a
//! missing namespace, depending on the rights of the account. Whether the namespace exists is known from the watch.

use crate::SyncReason;

/// A server's refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerRefusal {
    /// The status code.
    pub code: u16,
    /// The reason, such as `AlreadyExists`.
    pub reason: String,
    pub message: String,
    /// The reasons of its causes.
    pub causes: Vec<String>,
}

/// The reason of a target whose write was refused.
pub fn refusal(said: &ServerRefusal) -> SyncReason {
    let says = |text: &str| said.message.contains(text);
    match said.code {
        _ if said.causes.iter().any(|it| it == "NamespaceTerminating") => SyncReason::NamespaceTerminating,
        403 if says("exceeded quota") => SyncReason::QuotaExceeded,
        _ if says("ValidatingAdmissionPolicy") || says("admission webhook") || says("failed calling webhook") => {
            SyncReason::AdmissionDenied
        }
        401 => SyncReason::TokenDenied,
        403 if says("unable to create new content in namespace") => SyncReason::NamespaceTerminating,
        403 if !says("is forbidden: User ") && !says("cannot ") => SyncReason::AdmissionDenied,
        403 => SyncReason::TargetForbidden,
        404 => SyncReason::NamespaceMissing,
        413 => SyncReason::TooLarge,
        422 if says("Too long") => SyncReason::TooLarge,
        400 | 405 | 415 | 422 => SyncReason::AdmissionDenied,
        _ => SyncReason::ApiUnavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_reason() {
        let rbac = "configmaps is forbidden: User \"system:serviceaccount:a:b\" cannot create resource \"configmaps\"";
        let table = [
            (403, rbac, SyncReason::TargetForbidden),
            (
                403,
                "configmaps \"a\" is forbidden: exceeded quota: q, requested: count/configmaps=1",
                SyncReason::QuotaExceeded,
            ),
            (
                403,
                "configmaps \"a\" is forbidden: unable to create new content in namespace b because it is being terminated",
                SyncReason::NamespaceTerminating,
            ),
            (422, "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no", SyncReason::AdmissionDenied),
            (400, "admission webhook \"w\" denied the request: no", SyncReason::AdmissionDenied),
            (500, "Internal error occurred: failed calling webhook \"w\"", SyncReason::AdmissionDenied),
            (401, "Unauthorized", SyncReason::TokenDenied),
            (404, "namespaces \"x\" not found", SyncReason::NamespaceMissing),
            (413, "Request entity too large: limit is 3145728", SyncReason::TooLarge),
            (422, "ConfigMap \"a\" is invalid: []: Too long: may not be more than 1048576 bytes", SyncReason::TooLarge),
            (500, "etcdserver: leader changed", SyncReason::ApiUnavailable),
            (504, "Timeout", SyncReason::ApiUnavailable),
        ];
        for (code, message, expected) in table {
            let said = ServerRefusal { code, message: message.into(), ..ServerRefusal::default() };
            assert_eq!(refusal(&said), expected, "{code} {message}");
        }
        let terminating =
            ServerRefusal { code: 403, causes: vec!["NamespaceTerminating".into()], ..ServerRefusal::default() };
        assert_eq!(refusal(&terminating), SyncReason::NamespaceTerminating);
    }
}
