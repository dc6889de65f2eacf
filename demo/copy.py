"""Every sentence of the page, in one place, so that the tone can be read and corrected in one go."""

TITLE = "Cross or self?"

INTRODUCTION = """
<header id="intro">
  <h1>Cross or self?</h1>
  <p>Two small models read the same clip. In one, face, voice and words look <em>at each other</em>; in the other, each
  looks only <em>at itself</em>. Show them a clip, switch things off, and see what changes.</p>
  <p class="limits" role="note"><strong>A guess at displayed expression, not at what anyone feels.</strong>
  The models learned from <em>composed</em> samples: a voice, a face and a line of text of the same class, each from
  another data set of mostly acted or staged material in English. They are often wrong, and wrong in different ways for
  different people. Please do not judge anybody by them.
  Your clip stays on this server only while you look at it, and is deleted when you leave or after an hour.</p>
</header>
"""

CAPTURE = "Your clip"
SOUND = "Sound file …"
IDLE = "A few seconds of one person speaking English work best. Recording stops when you press the button again."
NO_CLIP = "There is no clip yet: record one, upload one or pick an example."
LOST_CLIP = "This clip has been deleted (clips live for an hour at most): record or upload it again."
STOPPED = "Stopped. The clip is still here; press Analyse to start again."
BROKEN = "Something went wrong while reading this clip; another clip should work."
ALL_OFF = "Everything is switched off, so there is nothing to go by. Switch at least one on."
UNDEFINED = "Undefined: with a single modality there is no other one to look at."
INSTEAD = '<p class="note">Cross-attention is undefined here; this is self-attention.</p>'
NOTHING = "No verdict."

SWITCHES = "The models may use"
SWITCH = {"video": "Face", "audio": "Voice", "text": "Words"}
GHOSTS = "Outlines: everything on. Bars: what is switched on now."
NOT_SURE = "no class stands out"

MATRIX = """<h3>What each part says alone, and what each pair adds</h3>
<p class="hint">All seven combinations for both models. A strip holds the seven probabilities in the colours above; the
class in words is the most probable one.</p>"""

ATTENTION = """<h3>Where they looked</h3>
<p class="hint">A row asks, a column answers: each row shows how one moment spread its attention, and sums to 1.
Dark is none; the mark on the scale is the <em>uniform</em> weight, what every moment gets when nothing stands out.
Attention says what was mixed into the result, not why the result came out.</p>"""

TIMELINE = """<h3>The clip in time</h3>
<p class="hint">Voice, words and face on one axis. The coloured line is the attention each moment received, from
everything that looks at it; the dotted line is an even share. Click a moment to play the clip from there.</p>"""

COURSE = """<h3>The course of each emotion</h3>
<p class="hint">The clip in windows of ten seconds, a new one every five. Click a window to play it.</p>"""

EXPORT = """<h3>Take it home</h3>
<p class="hint">Made on request and handed straight to your browser: nothing is kept here.
The report is one file that opens without internet; it holds small pictures of the face.</p>"""

MISSING = {"video": "No face to go by", "audio": "No voice to go by", "text": "No words to go by"}

FOOTER = """<footer id="about-foot"><p>After V. Rajan, A. Brutti, A. Cavallaro,
<em>Is cross-attention preferable to self-attention for multi-modal emotion recognition?</em>, ICASSP 2022.
Nothing on this page is loaded from elsewhere, and nothing is sent elsewhere.</p></footer>"""
