// The options by which worker and coordinator find each other: `--connect` and `--connect-file` on one side, `--address-file` and
// `--advertise` on the other.
internal import ArgumentParser
internal import Messaging
internal import Runtime

/// Where a worker looks for its coordinator.
struct CoordinatorPlaceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Address of the coordinator, for example tcp://127.0.0.1:5555. Without it --connect-file counts, then the "
                + "environment's SIAMESE_COORDINATOR.", valueName: "address"))
    var connect: String?

    @Option(
        help: ArgumentHelp(
            "File with the coordinator's address, as its --address-file writes it; waited for as long as --patience allows.",
            valueName: "file"))
    var connectFile: String?

    mutating func validate() throws { _ = try place() }

    func place() throws -> CoordinatorPlace {
        do {
            return try CoordinatorPlace(
                connect: connect, connectFile: connectFile, environment: processEnvironment())
        } catch {
            throw ValidationError("\(error).")
        }
    }
}

/// What a coordinator tells of its address.
struct AnnouncementOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "File to write the address to as soon as workers can connect, for their --connect-file.", valueName: "file")
    )
    var addressFile: String?

    @Option(
        help: ArgumentHelp(
            "Host by which workers reach this machine (default: that of --listen, or this machine's name if that is 0.0.0.0).",
            valueName: "host"))
    var advertise: String?

    mutating func validate() throws {
        guard addressFile?.isEmpty != true else { throw ValidationError("--address-file must name a file.") }
        _ = try announcement()
    }

    func announcement() throws -> Announcement { Announcement(file: addressFile, host: try advertise.map(Self.host)) }

    /// An IPv6 address may be in brackets or not.
    private static func host(_ text: String) throws -> String {
        // One colon would be that of a port.
        let isBareIPv6 = text.count { $0 == ":" } > 1 && !text.hasPrefix("[")
        do {
            let endpoint = try Endpoint(parsing: "tcp://\(isBareIPv6 ? "[\(text)]" : text):1")
            try endpoint.requireConnectable()
            if case .tcp(let host, _) = endpoint, !["0.0.0.0", "::"].contains(host) { return host }
            throw ValidationError("--advertise: \(text) only serves to listen; give the host that workers reach.")
        } catch let error as EndpointError {
            throw ValidationError("--advertise takes a host without a port, '\(text)' is none (\(error)).")
        }
    }
}
