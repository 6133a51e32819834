// What a decoder accepts at most. Nothing is allocated for a message before it has passed these.

/// The bounds of the messages of one connection.
package struct MessageLimits: Equatable, Sendable {
    /// Floats in every gradient and weight frame; nil until a welcome has told it, and until then no frame of floats is
    /// acceptable.
    package var parameterCount: Int?
    /// Floats in the latent vectors of an example; nil until a welcome has told it.
    package var latentCount: Int?
    /// The most parameters a welcome may announce.
    package let maximumParameterCount: Int
    /// The most examples (hence microbatches) of a step.
    package let maximumExamples: Int
    /// The most images one example may have.
    package let maximumImagesPerExample: Int

    /// Floats in the latent vectors of an example that a welcome may announce at most: eight vectors of 4,096 dimensions.
    package static let maximumLatentCount = 8 * 4096
    package static let maximumNameBytes = 64
    package static let maximumReasonBytes = 1024
    package static let maximumJobDescriptionBytes = 65_536
    /// Bytes of a status report: 4,096 workers, each of whose figures and names take less than 2,000.
    package static let maximumReportBytes = 8 << 20
    /// Nodes in one answer: a range has at most 2·log₂(n) maximal nodes, and n < 2³¹.
    package static let maximumNodes = 62
    /// Bytes of the largest valid header: a partials message with the most nodes.
    package static let maximumHeaderBytes = 4096

    package init(
        parameterCount: Int? = nil, latentCount: Int? = nil, maximumParameterCount: Int = 1 << 26,
        maximumExamples: Int = 1 << 20,
        maximumImagesPerExample: Int = 8
    ) {
        self.parameterCount = parameterCount
        self.latentCount = latentCount
        self.maximumParameterCount = maximumParameterCount
        self.maximumExamples = maximumExamples
        self.maximumImagesPerExample = maximumImagesPerExample
    }
}
