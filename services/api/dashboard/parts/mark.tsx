/** The eye with a square pupil: what looks is a grid of pixels. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
      <path
        d="M3 16c3.500-6 7.500-9 13-9s9.500 3 13 9c-3.500 6-7.500 9-13 9s-9.500-3-13-9Z"
        fill="none"
        stroke="currentColor"
        stroke-width="2.600"
      />
      <path d="M11.500 11.500h9v9h-9z" fill="currentColor" />
    </svg>
  )
}
