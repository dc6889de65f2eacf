"""Every sentence of the page, in one place, so that the tone can be read and corrected in one go."""

from demo.limits import SAID

TITLE = "Cross or self?"

LIMITS = """<strong>A guess at displayed expression, not at what anyone feels.</strong>
The models learned from <em>composed</em> samples: an actor's voice, a picture of some other face and a line from a
television series, put together because they carry the same label. They are often wrong, and wrong in different ways
for different people. Please do not judge anybody by them."""

INTRODUCTION = f"""
<header id="intro">
  <h1>Cross or self?</h1>
  <p>Two small models read the same clip. In one, face, voice and words look <em>at each other</em>; in the other, each
  looks only <em>at itself</em>. Show them a clip, switch things off, and see what changes.</p>
  <p class="limits" role="note">{LIMITS}
  Your clip stays on this server only while you look at it, and is deleted when you leave or after an hour.</p>
</header>
"""

CAPTURE = "Your clip"
SOUND = "Sound file …"
IDLE = "A few seconds of one person speaking English work best. Recording stops when you press the button again."
BOUNDS = f"""<p class="hint">At most {SAID["megabytes"]}; the first {SAID["clip_minutes"]} of a clip are read, and for
{SAID["analysis_minutes"]} at most. One clip is read at a time, {SAID["waiting"]} may wait.</p>"""
NO_CLIP = "There is no clip here: record one, upload one or pick an example. Clips live for an hour at most."
LOST_CLIP = "This clip has been deleted (clips live for an hour at most): record or upload it again."
STOPPED = "Stopped. The clip is still here; press Analyse to start again."
TOO_SLOW = f"Reading this clip took longer than {SAID['analysis_minutes']} and was given up; a shorter one should work."
NO_FILE = "No clip was sent."
HUNG_UP = "The one who asked has left; the analysis was stopped."
NO_LENGTH = "A request must say how long it is."
TOO_LARGE = f"This is larger than what this page takes: {SAID['megabytes']} of clip."
NO_ROOM = "The server has no room for more clips at the moment; try again later."
NO_ADDRESS = "Files are not fetched from other hosts: upload the file itself."
BROKEN = "Something went wrong while reading this clip; another clip should work."
ALL_OFF = "Everything is switched off, so there is nothing to go by. Switch at least one on."
UNDEFINED = "Undefined: with a single modality there is no other one to look at."
INSTEAD = '<p class="note">Cross-attention is undefined here; this is self-attention.</p>'

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

COURSE = f"""<h3>The course of each emotion</h3>
<p class="hint">The clip in windows of {SAID["window"]} seconds, a new one every {SAID["hop"]}. Click a window to play
it.</p>"""

EXPORT = """<h3>Take it home</h3>
<p class="hint">Made on request and handed straight to your browser: nothing is kept here.
The report is one file that opens without internet; it holds small pictures of the face.</p>"""

MISSING = {"video": "No face to go by", "audio": "No voice to go by", "text": "No words to go by"}

EXAMPLES = {  # file in demo/examples -> button
    "glad": "Glad: smile, bright voice, glad words",
    "angry": "Angry words, a frown made by a warp",
    "contradiction": "Contradiction: a smile says sad words",
    "moods": "Moods: 26 seconds from one to the next",
}
EXAMPLES_HINT = """<p class="hint">Or try an example. They are made: a public-domain portrait (NASA) moved by a warp,
with a synthetic voice. The astronaut never said or looked any of this.</p>"""

DOWNLOADS = {"json": "JSON", "csv": "CSV of the windows", "html": "Report (HTML)"}

WELCOME = "<h3>What you will see</h3><p>Two verdicts side by side, and the attention behind each.</p>"

EXPLANATION = """
<div class="explain">
<h2>What am I looking at?</h2>
<h3>Two ways of paying attention</h3>
{figure}
<p>A clip becomes three sequences: the <b>words</b> (Whisper writes them, MiniLM reads them, having learned from
television dialogue how a line is meant), the <b>face</b> (found in
{rate} pictures a second, read by a small network) and the <b>voice</b> (what Whisper's ear makes of the sound).
Each runs through a small recurrent network of its own.</p>
<p>Then the two models part. In <b>self-attention</b> every moment of a modality may look at every moment of <em>the
same</em> modality. In <b>cross-attention</b> it may look only at <em>the others</em>: words at the face, words at the
voice, and so on, six directions. Each direction gives one stream; the mean and the standard deviation across the
streams go to one classifier. With a single modality there is nobody else to look at, so cross-attention has no
answer.</p>
<p>The paper found no significant difference between the two on IEMOCAP. Here you can look for one yourself.</p>
<h3>How to read the page</h3>
<ul>
<li><b>Probabilities</b> are the models' own, calibrated on held-out composed samples. Where none reaches {unsure} the
page says that no class stands out.</li>
<li><b>Outlines</b> behind the bars show what was said with everything on, after you switch something off.</li>
<li><b>Heatmaps</b> show attention weights as the models computed them, by head or as the mean of all heads.
They tell what was mixed, not what mattered.</li>
<li>A modality that was not found is <b>absent</b>: it is left out of the model, not replaced by silence or black.</li>
</ul>
<h3>Limits</h3>
<p>{limits}</p>
<p>Seven classes are a crude grid over faces and voices, drawn from acted material; people differ in how they show
what they feel, and often show nothing or something else. Accents, ages, skin tones, glasses, beards, head scarves,
dialects and disabilities that are rare in the training data make the guesses worse. Using such a model on
somebody at work, at school, at a border or in court would be wrong even if it were right more often.</p>
<h3>With a screen reader or without a mouse</h3>
<p>Each verdict is written out with all seven probabilities, the seven combinations are a plain table, the transcript
is text whose words are buttons, faces have times, and every switch and choice is a labelled form control that works
from the keyboard. Errors and progress are announced. The heatmap has a sentence about its sharpness; its numbers are
in the JSON file.</p>
</div>"""

LIVE_HINT = """Camera and microphone, continuously. The face is read several times a second, the voice about once a
second, words when a phrase ends. Pictures and sound are forgotten after a few seconds and never become files.
A guess at displayed expression, made from composed training data: it will flicker, and it will be wrong."""
LIVE_FULL = f"""{SAID["visitors"].capitalize()} visitors are live already, which is all this machine can do; try again
later or record a clip."""
LIVE_OVER = "This live session has ended; press Start to begin a new one."
LIVE_BROKEN = "Something went wrong while reading this moment; press Start to begin anew."
NEUTRAL = "Measure three neutral seconds"
NEUTRAL_HINT = """A face at rest may look angry to a model, a voice sad, always in the same way. Three neutral seconds
of yours are measured, and what each model said of them is taken off the logarithms of what it says later: the bars
then show what has changed since, and all are equal while nothing has. It is forgotten when you stop."""
LIVE_COURSE = """For each moment the most probable class in its colour, as high as it is probable. Gaps are moments
without a verdict."""
LIVE_BAD = "The browser sent something that is not a picture with sound."

FOOTER = """<footer id="about-foot"><p>After V. Rajan, A. Brutti, A. Cavallaro,
<em>Is cross-attention preferable to self-attention for multi-modal emotion recognition?</em>, ICASSP 2022.
Nothing on this page is loaded from elsewhere, and nothing is sent elsewhere.</p></footer>"""
