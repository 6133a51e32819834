// What a run.json says of the model beside it. Everything in it may be missing but the network: files of other versions are read.
internal import Artifacts
internal import Evaluation
internal import ModelCore
internal import Storage

/// The part of a run.json that whoever uses the model wants to know.
package struct RunDescription {
    let path: String
    private let network: String
    private let architecture: String?
    private let latentDimensions: Int?
    let margin: Float?
    let beta: Float?
    let dataset: String?
    let distance: Distance?
    let isNormalized: Bool
    let excludedClasses: [UInt8]
    let modelDigest: String?

    /// Nil where there is none.
    init?(besideModel model: String) throws(RunFailure) {
        guard model.hasSuffix(TrainedModel.suffix) else { return nil }
        let path = String(model.dropLast(TrainedModel.suffix.count)) + "run.json"
        guard isReadable(path) else { return nil }
        try self.init(path: path, report: try readReport(path))
    }

    /// - Parameter bytes: of the file at `path`
    package init(path: String, report bytes: [UInt8]) throws(RunFailure) {
        self.path = path
        let remedy = "Repair it or move it away: the model file alone says enough"
        let report = try parseReport(bytes, path, remedy: remedy)
        let configuration = report["configuration"]
        guard let network = configuration?["network"]?.string else {
            throw RunFailure(.badData, "\(path) does not name a network. \(remedy)")
        }
        self.network = network
        architecture = configuration?["architecture"]?.string
        latentDimensions = configuration?["latent_dims"]?.integer
        margin = configuration?["margin"]?.number.map(Float.init)
        beta = configuration?["beta"]?.number.map(Float.init)
        dataset = configuration?["dataset"]?.string
        distance = configuration?["distance"]?.string.flatMap(Distance.init)
        isNormalized = configuration?["normalize"] == .bool(true)
        excludedClasses = configuration?.excludedClasses ?? []
        modelDigest = report["model_sha256"]?.string
    }

    func describes(_ other: NetworkDescription) -> Bool {
        other.kind.rawValue == network && architecture.map { $0 == other.architecture.rawValue } ?? true
            && latentDimensions.map { $0 == other.latentDimensions } ?? true
    }

    package var summary: String {
        [network, architecture, latentDimensions.map { "\($0) latent dimensions" }].compactMap(\.self)
            .joined(separator: ", ")
    }
}
