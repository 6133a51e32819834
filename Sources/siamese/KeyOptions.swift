// `--keys`, `--key` and `--insecure`: when keys are asked for, and where they come from.
internal import ArgumentParser
internal import Messaging
internal import Runtime

/// How the two ends of a link are told about keys.
enum KeyRequirement {
    /// - Parameters:
    ///   - endpoint: where this process listens or connects to
    ///   - keys: the option's value, or the variable's
    /// - Throws: if others could read or write what is said there, and nobody said that this is all right
    static func check(_ endpoint: Endpoint, isInsecure: Bool, keys: String?, advice: String) throws {
        if let objection = objection(to: endpoint, isInsecure: isInsecure, keys: keys, advice: advice) {
            throw ValidationError(objection)
        }
    }

    /// The same as a sentence, for an address that was not on the command line.
    static func objection(to endpoint: Endpoint, isInsecure: Bool, keys: String?, advice: String) -> String? {
        guard keys == nil, !isInsecure, !endpoint.isLoopback else { return nil }
        return
            "\(endpoint) is reached over a network, and there keys are required. \(advice) In a network where you trust "
            + "everybody, --insecure goes without: whoever reaches the port can then read the data, and work."
    }

    /// An option, or its variable when there is neither it nor `--insecure`.
    static func value(_ option: String?, variable: String, isInsecure: Bool) throws -> String? {
        guard !(option != nil && isInsecure) else {
            throw ValidationError("--insecure means without keys: give one of the two.")
        }
        if let option {
            guard !option.isEmpty else { throw ValidationError("the path of the keys is empty.") }
            return option
        }
        guard !isInsecure, let value = processEnvironment()[variable], !value.isEmpty else { return nil }
        return value
    }

    static func warn(_ endpoint: Endpoint) {
        complain(
            "warning: --insecure: what goes over \(endpoint) is neither encrypted nor protected. Whoever can reach it can read the "
                + "data, and change the result")
    }
}
