/** ImageNet classes (ILSVRC 2012) by index, which is the rank of their WordNet ids: from, to (inclusive), what they are. */
export type ClassRange = readonly [first: number, last: number, names: string]

/**
 * What counts when a policy is measured, chosen from what the classes are, not from how they score. `ambiguous` classes often show the subject, or
 * show it to one reader and not to another: they count neither way. All other classes show nothing of the kind.
 */
export type PolicyClasses = { positive: Readonly<Record<string, readonly ClassRange[]>>; ambiguous: readonly ClassRange[] }

export const IMAGENET_CLASSES: Readonly<Record<string, PolicyClasses>> = {
  'live-animals': {
    positive: {
      dogs: [[151, 268, 'Chihuahua … Mexican hairless dog']],
      'wolves, foxes, hyenas': [[269, 280, 'grey wolf … grey fox']],
      'cats, great and small': [[281, 293, 'tabby cat … cheetah']],
      'other mammals': [
        [101, 106, 'tusker, echidna, platypus, wallaby, koala, wombat'],
        [147, 150, 'grey whale, killer whale, dugong, sea lion'],
        [294, 299, 'bears, mongoose, meerkat'],
        [330, 388, 'cottontail rabbit … giant panda'],
      ],
      birds: [
        [7, 24, 'rooster … great grey owl'],
        [80, 100, 'black grouse … black swan'],
        [127, 146, 'white stork … albatross'],
      ],
      reptiles: [
        [33, 50, 'loggerhead sea turtle … American alligator'],
        [52, 68, 'worm snake … sidewinder rattlesnake'],
      ],
      amphibians: [[25, 32, 'fire salamander … tailed frog']],
      fish: [
        [0, 6, 'tench … stingray'],
        [389, 397, 'snoek fish … pufferfish'],
      ],
      insects: [[300, 326, 'tiger beetle … gossamer-winged butterfly']],
      'spiders, scorpions, ticks, centipedes': [[70, 79, 'harvestman … centipede']],
      crustaceans: [[118, 126, 'Dungeness crab … isopod']],
      'jellyfish, snails, slugs': [
        [107, 107, 'jellyfish'],
        [113, 115, 'snail, slug, sea slug'],
      ],
    },
    ambiguous: [
      [51, 51, 'triceratops (a model or a skeleton)'],
      [69, 69, 'trilobite (a fossil)'],
      [108, 109, 'sea anemone, brain coral'],
      [110, 111, 'flatworm, nematode (often under a microscope)'],
      [112, 112, 'conch (mostly its shell)'],
      [116, 117, 'chiton, chambered nautilus (mostly their shells)'],
      [327, 329, 'starfish, sea urchin, sea cucumber (often dried)'],
      [410, 410, 'apiary'],
      [448, 448, 'birdhouse'],
      [537, 537, 'dog sled'],
      [599, 599, 'honeycomb'],
      [603, 603, 'horse-drawn vehicle'],
      [676, 676, 'muzzle (on a dog)'],
      [690, 690, 'bullock cart'],
      [730, 730, 'farm plow'],
      [815, 815, 'spider web'],
      [973, 973, 'coral reef'],
      [983, 983, 'scuba diver'],
    ],
  },
  weapons: {
    positive: {
      guns: [
        [413, 413, 'assault rifle'],
        [763, 764, 'revolver, rifle'],
      ],
      bows: [[456, 456, 'hunting bow']],
      'cannon and missiles': [
        [471, 471, 'cannon'],
        [657, 657, 'missile'],
        [744, 744, 'missile (projectile)'],
      ],
    },
    ambiguous: [
      [403, 403, 'aircraft carrier'],
      [408, 408, 'amphibious vehicle'],
      [439, 439, 'military hat (on guards)'],
      [461, 461, 'breastplate'],
      [465, 465, 'bulletproof vest'],
      [490, 490, 'chain mail'],
      [499, 499, 'cleaver'],
      [524, 524, 'cuirass'],
      [586, 586, 'half-track'],
      [596, 597, 'hatchet, holster'],
      [623, 623, 'letter opener'],
      [652, 652, 'military uniform'],
      [715, 715, 'Pickelhaube'],
      [777, 777, 'scabbard'],
      [787, 787, 'shield'],
      [833, 833, 'submarine'],
      [847, 847, 'tank'],
      [895, 895, 'military aircraft'],
    ],
  },
  alcohol: {
    positive: {
      beer: [[440, 441, 'beer bottle, beer glass']],
      wine: [
        [907, 907, 'wine bottle'],
        [966, 966, 'red wine'],
      ],
    },
    ambiguous: [
      [427, 427, 'barrel'],
      [455, 455, 'bottle cap'],
      [503, 503, 'cocktail shaker'],
      [512, 512, 'corkscrew'],
      [532, 532, 'dining table'],
      [572, 572, 'goblet'],
      [725, 725, 'drink pitcher'],
      [762, 762, 'restaurant'],
      [901, 901, 'whiskey jug'],
      [969, 969, 'eggnog'],
    ],
  },
  swimwear: {
    positive: {
      swimwear: [
        [445, 445, 'bikini'],
        [638, 638, 'tights (WordNet: maillot)'],
        [639, 639, 'one-piece bathing suit'],
        [842, 842, 'swim trunks'],
      ],
      underwear: [[459, 459, 'bra']],
    },
    ambiguous: [
      [433, 433, 'swimming cap'],
      [529, 529, 'diaper'],
      [655, 655, 'miniskirt'],
      [697, 697, 'pajamas'],
      [775, 775, 'sarong'],
      [801, 801, 'snorkel'],
      [838, 838, 'sunscreen'],
      [876, 876, 'hot tub'],
      [977, 978, 'sandbar, beach'],
      [983, 983, 'scuba diver'],
    ],
  },
  'snakes-spiders': {
    positive: {
      snakes: [[52, 68, 'worm snake … sidewinder rattlesnake']],
      spiders: [[72, 77, 'yellow garden spider … wolf spider']],
    },
    ambiguous: [
      [70, 71, 'harvestman, scorpion'],
      [78, 78, 'tick'],
      [815, 815, 'spider web'],
    ],
  },
}
