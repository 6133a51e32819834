// How latent vectors of any dimension become points of a plane: as they are (2), along a strip per class (1), or through
// their two leading principal components (more). Chooses coordinates and says so in words; draws nothing.
internal import ModelCore

/// The way into the plane, fixed once so that several pictures (the frames of an animation) share it.
enum PlanarView: Sendable {
    /// One dimension: z₁ across, one row per class, points spread in their row by a fixed pseudo-random amount.
    case strip
    /// Two dimensions, unchanged.
    case identity
    case principalComponents(PrincipalComponents)

    /// The view for vectors like these.
    init(for points: Embeddings) {
        switch points.dimensions {
        case 1: self = .strip
        case 2: self = .identity
        default: self = .principalComponents(PrincipalComponents(of: points))
        }
    }

    /// A point of the plane in its dataset order.
    struct Placed: Sendable {
        let place: SIMD2<Double>
        let label: Int
    }

    /// The finite points in dataset order, and how many were not finite.
    func place(_ points: Embeddings) -> (points: [Placed], dropped: Int) {
        var placed: [Placed] = []
        placed.reserveCapacity(points.count)
        for index in 0..<points.count {
            let vector = points[index]
            guard vector.allSatisfy(\.isFinite) else { continue }
            let label = Int(points.labels[index])
            let place =
                switch self {
                case .strip: SIMD2(Double(vector[vector.startIndex]), Self.spread(index) - Double(label))
                case .identity: SIMD2(Double(vector[vector.startIndex]), Double(vector[vector.startIndex + 1]))
                case .principalComponents(let components): components.project(vector)
                }
            placed.append(Placed(place: place, label: label))
        }
        return (placed, points.count - placed.count)
    }

    /// Whether a unit is equally long on both axes, so that distances on paper are distances in the latent space.
    var isIsometric: Bool { if case .strip = self { false } else { true } }

    var axisNames: (x: RichText, y: RichText) {
        switch self {
        case .strip: (.variable("z", 1), "class (spread within a row is only for legibility)")
        case .identity: (.variable("z", 1), .variable("z", 2))
        case .principalComponents: ("first principal component", "second principal component")
        }
    }

    /// What the title must add about the projection.
    func remark(dimensions: Int) -> String? {
        guard case .principalComponents(let components) = self else { return nil }
        let percent = Int((components.explainedVariance * 100).rounded())
        return "\(dimensions) latent dimensions, two leading principal components (\(percent) % of the variance)"
    }

    /// −0.38...0.38, by the golden ratio's low-discrepancy sequence: even, and the same in every picture.
    private static func spread(_ index: Int) -> Double {
        let turn = Double(index) * 0.618_033_988_749_894_9
        return (turn - turn.rounded(.down) - 0.5) * 0.76
    }
}
