// What a variational autoencoder makes, as pictures: reconstructions, the manifold of its decoder, and samples.
internal import Artifacts
internal import Datasets
internal import ModelCore

/// Pictures of one trained autoencoder.
struct AutoencoderPictures {
    let network: NetworkDescription
    let parameters: ParameterBuffer
    /// What the title of each picture begins with.
    let title: String

    /// Steps of the manifold along either axis.
    private static let manifoldSteps = 20
    /// Reconstructions of each class.
    private static let perClass = 4

    /// The first images of each class above what the decoder makes of their means μ (no noise).
    func reconstructions(of images: ImageSet) -> ImageGrid {
        let chosen = Self.firstOfEachClass(images)
        let pixels = chosen.compactMap { $0 }.map { image in
            Array(images.pixels[image * imagePixels..<(image + 1) * imagePixels])
        }
        var rest = Array(zip(pixels, decode(means(of: pixels))))[...]
        var rows: [[UInt8]?] = []
        for first in stride(from: 0, to: chosen.count, by: classCount) {
            let band = chosen[first..<first + classCount].map { $0.flatMap { _ in rest.popFirst() } }
            rows += band.map { $0?.0 } + band.map { $0?.1 }
        }
        var grid = ImageGrid(title: "\(title): reconstructions of the test set", columns: classCount, images: rows)
        grid.rowsPerBand = 2
        grid.rowLabels = (0..<2 * Self.perClass).map { .init(index: $0, text: $0 % 2 == 0 ? "image" : "decoded") }
        return grid
    }

    /// Images that the decoder makes of a grid over the first two latent dimensions, in equal steps of probability under the
    /// prior (Kingma & Welling 2014, appendix A); all other dimensions are 0.
    var manifold: ImageGrid {
        let steps = Self.manifoldSteps
        let quantiles = (0..<steps).map { Float(inverseCumulativeNormal((Double($0) + 0.5) / Double(steps))) }
        let d = network.latentDimensions
        // The second dimension grows upward, as in the scatter plots.
        let rows = d > 1 ? quantiles.reversed() : [0]
        let latents = rows.flatMap { second in
            quantiles.flatMap { first in Array(([first, second] + [Float](repeating: 0, count: d)).prefix(d)) }
        }
        var grid = ImageGrid(title: "\(title): what the decoder makes of z", columns: steps, images: decode(latents))
        (grid.imageSize, grid.gap) = (30, 0)
        grid.remark = "Equal steps of probability under the prior"
        if d > 2 { grid.remark = "\(grid.remark ?? ""); dimensions 3 to \(d) are 0" }
        let marks = [0, steps / 4, steps - 1 - steps / 4, steps - 1]
        grid.columnLabels = marks.map { .init(index: $0, text: Self.decimal(quantiles[$0])) }
        if d > 1 {
            grid.rowLabels = marks.map { .init(index: steps - 1 - $0, text: Self.decimal(quantiles[$0])) }
            grid.axes = (horizontal: 1, vertical: 2)
        }
        return grid
    }

    /// Images of latent vectors drawn from the prior: sample i draws number k of the stream at position i.
    func samples(_ count: Int, seed: UInt64) -> ImageGrid {
        let stream = RandomStream(seed: seed, name: .generation)
        let d = network.latentDimensions
        let latents = (0..<count).flatMap { image in (0..<d).map { stream.standardNormal(at: image, draw: $0) } }
        var columns = 1
        while columns * columns < count { columns += 1 }
        return ImageGrid(title: "\(title), seed \(seed)", columns: columns, images: decode(latents))
    }

    /// [perClass][class]: indices of images; nil where there are not so many.
    private static func firstOfEachClass(_ images: ImageSet) -> [Int?] {
        var chosen = [Int?](repeating: nil, count: perClass * classCount)
        var counts = [Int](repeating: 0, count: classCount)
        for (index, label) in images.labels.enumerated() where counts[Int(label)] < perClass {
            chosen[counts[Int(label)] * classCount + Int(label)] = index
            counts[Int(label)] += 1
        }
        return chosen
    }

    private func means(of images: [[UInt8]]) -> [Float] {
        let (embedder, d) = (Embedder(network), network.latentDimensions)
        return images.flatMap { image in
            var latents = [Float](repeating: 0, count: d)
            image.withUnsafeBufferPointer { pixels in
                latents.withUnsafeMutableBufferPointer { latents in
                    guard let pixels = pixels.baseAddress, let latents = latents.baseAddress else { return }
                    embedder.embed(pixels, images: 1, at: parameters.floats, into: latents)
                }
            }
            return latents
        }
    }

    private func decode(_ latents: [Float]) -> [[UInt8]] {
        let pixels = ImageDecoder(network).images(of: latents, at: parameters.floats)
        return stride(from: 0, to: pixels.count, by: imagePixels).map { Array(pixels[$0..<$0 + imagePixels]) }
    }

    /// Two decimals, with a true minus sign.
    private static func decimal(_ value: Float) -> String {
        let hundredths = Int((abs(value) * 100).rounded())
        let digits = "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
        return value < 0 && hundredths > 0 ? "\u{2212}\(digits)" : digits
    }
}
